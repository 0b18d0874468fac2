/** The search box's language as the page sees it: words and `name:value` or `name>number` terms. Main does the search. */

/** Splits at spaces outside quotes; quotes stay, so that joining gives the same query. */
export function terms(query: string): string[] {
  return query.match(/(?:[^\s"]|"[^"]*"?)+/gu) ?? [];
}

export function tagTerm(tag: string): string {
  return /[\s"]/u.test(tag) ? `tag:"${tag.replaceAll('"', "")}"` : `tag:${tag}`;
}

export function hasTerm(query: string, term: string): boolean {
  const wanted = term.toLowerCase();
  return terms(query).some((each) => each.toLowerCase() === wanted);
}

/** Adds a term at the end, or takes it away where it stands. */
export function toggleTerm(query: string, term: string): string {
  const wanted = term.toLowerCase();
  const present = terms(query);
  const without = present.filter((each) => each.toLowerCase() !== wanted);
  return (without.length < present.length ? without : [...present, term]).join(" ");
}
