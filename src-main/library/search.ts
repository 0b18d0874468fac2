/** Lists of cards: a filter becomes SQL that an index answers, at 100,000 identities as at ten. */
import type { z } from "zod";
import { missingCase } from "../core/errors.ts";
import { type Card, Filter } from "../../src-preload/contract/library.ts";
import type { Changes } from "./changes.ts";
import type { Database } from "./database.ts";
import { parseQuery, type Term, type WordField } from "./query.ts";
import { cardColumns, toCard } from "./rows.ts";
import { segmented } from "./words.ts";

type Parsed = z.output<typeof Filter>;

/** The parts of a statement, and what its question marks stand for. */
interface Condition {
  readonly sql: string;
  readonly values: readonly unknown[];
}

interface Plan {
  /** `from … where …`, with the rows of `loras` named l. */
  readonly body: string;
  readonly values: readonly unknown[];
  /** The same where only the number of rows is wanted. */
  readonly count: string;
  readonly order: string;
}

/** Totals of the last questions: a list that is scrolled asks for the same one again and again. */
const totalsKept = 200;

const orders: Record<Parsed["sort"], string> = {
  newest: "l.seq desc",
  oldest: "l.seq",
  name: "l.sort_name, l.seq",
  rating: "l.rating desc, l.seq desc",
  size: "l.bytes desc, l.seq desc",
};

const columnOfWords: Record<WordField, string> = {
  name: "name",
  notes: "notes",
  trigger: "triggers",
  title: "title",
  file: "file",
};

export class Search {
  readonly #database: Database;
  readonly #changes: Changes;
  readonly #totals = new Map<string, number>();
  #revision = -1;

  constructor(database: Database, changes: Changes) {
    this.#database = database;
    this.#changes = changes;
  }

  list(
    filter: z.input<typeof Filter>,
    offset: number,
    limit: number,
  ): { total: number; cards: Card[] } {
    const plan = planOf(Filter.parse(filter));
    // The page's keys come first, from an index alone; only then are the page's rows read.
    const rows = this.#database
      .once(
        `select ${cardColumns} from loras l where l.seq in
           (select l.seq ${plan.body} order by ${plan.order} limit ? offset ?) order by ${plan.order}`,
      )
      .all(...plan.values, limit, offset);
    return { total: this.#total(plan, rows.length, offset, limit), cards: rows.map(toCard) };
  }

  ids(filter: z.input<typeof Filter>): string[] {
    const plan = planOf(Filter.parse(filter));
    const rows = this.#database
      .once(`select l.id ${plan.body} order by ${plan.order}`)
      .all(...plan.values);
    return rows.map((row) => String((row as { id: unknown }).id));
  }

  #total(plan: Plan, found: number, offset: number, limit: number): number {
    // The last page tells the total by itself.
    if (found < limit && (found > 0 || offset === 0)) return offset + found;
    this.#changes.look();
    if (this.#revision !== this.#changes.revision || this.#totals.size > totalsKept) {
      this.#totals.clear();
      this.#revision = this.#changes.revision;
    }
    const key = JSON.stringify([plan.count, plan.values]);
    let total = this.#totals.get(key);
    if (total === undefined) {
      const row = this.#database
        .once(`select count(*) as total ${plan.count}`)
        .get(...plan.values) as { total: number };
      total = row.total;
      this.#totals.set(key, total);
    }
    return total;
  }
}

function planOf(filter: Parsed): Plan {
  const { all, none } = parseQuery(filter.query);
  const trash = filter.view === "trash";
  const conditions: Condition[] = [
    { sql: trash ? "l.deleted_at is not null" : "l.deleted_at is null", values: [] },
  ];
  if (filter.view === "favourites") conditions.push({ sql: "l.favourite = 1", values: [] });
  if (filter.view === "trouble") conditions.push({ sql: "l.trouble is not null", values: [] });
  if (filter.collection !== undefined) {
    conditions.push({
      sql: `l.seq in (select m.lora from members m
        where m.collection = (select seq from collections where id = ?))`,
      values: [filter.collection],
    });
  }
  const words = trash ? "trash_words" : "words";
  const wanted = all.filter((term) => term.kind === "words");
  const unwanted = none.filter((term) => term.kind === "words");
  for (const term of all) if (term.kind !== "words") conditions.push(conditionOf(term));
  for (const term of none) {
    if (term.kind === "words") continue;
    const { sql, values } = conditionOf(term);
    conditions.push({ sql: `not coalesce(${sql}, 0)`, values });
  }

  let from = "from loras l";
  if (wanted.length > 0) {
    // The index of words leads: it gives rows in the order of arrival, which is what most lists are sorted by.
    from = `from ${words} w cross join loras l on l.seq = w.rowid`;
    const without = unwanted.map((term) => ` NOT ${matchOf(term)}`).join("");
    conditions.unshift({
      sql: `w.${words} match ?`,
      values: [`(${wanted.map(matchOf).join(" AND ")})${without}`],
    });
  } else if (unwanted.length > 0) {
    conditions.push({
      sql: `l.seq not in (select rowid from ${words} where ${words} match ?)`,
      values: [unwanted.map(matchOf).join(" OR ")],
    });
  }
  const body = `${from} where ${conditions.map(({ sql }) => sql).join(" and ")}`;
  // Where words are all that is asked for, their index alone knows how many: it holds no row of the other view.
  const [first, ...rest] = conditions;
  const onlyWords = wanted.length > 0 && rest.length === 1;
  return {
    body,
    values: conditions.flatMap(({ values }) => values),
    count: onlyWords ? `from ${words} w where ${first?.sql ?? ""}` : body,
    order: orders[filter.sort],
  };
}

/** A word is found by its beginning; several words in quotes stand side by side. Quoting makes all else literal. */
function matchOf(term: Term & { kind: "words" }): string {
  const phrase = `"${segmented(term.text).replaceAll('"', '""')}" *`;
  return term.field === null ? phrase : `${columnOfWords[term.field]} : ${phrase}`;
}

function conditionOf(term: Exclude<Term, { kind: "words" }>): Condition {
  switch (term.kind) {
    case "number":
      return numberCondition(term);
    case "state":
      return { sql: stateConditions[term.state], values: [] };
    case "equals":
      return equalsCondition(term);
    default:
      return missingCase(term);
  }
}

const numberColumns = {
  rank: "l.rank_max",
  modules: "l.modules",
  rating: "l.rating",
  parameters: "l.parameters",
  size: "l.bytes",
  weight: "l.preferred_weight",
} as const;

function numberCondition(term: Term & { kind: "number" }): Condition {
  if (term.field === "rank" && term.comparison === "=") {
    return { sql: "(l.rank_min <= ? and l.rank_max >= ?)", values: [term.value, term.value] };
  }
  return { sql: `${numberColumns[term.field]} ${term.comparison} ?`, values: [term.value] };
}

const stateConditions = {
  favourite: "l.favourite = 1",
  recipe: "l.kind = 'recipe'",
  file: "l.kind = 'file'",
  trouble: "l.trouble is not null",
  unread: "l.state = 'unread'",
  copied: "l.storage = 'copied'",
  referenced: "l.storage = 'referenced'",
  tagged: "l.seq in (select lora from lora_tags)",
  rated: "l.rating > 0",
} as const;

function equalsCondition(term: Term & { kind: "equals" }): Condition {
  const { field, value } = term;
  switch (field) {
    case "family":
      return { sql: "l.family = ?", values: [familyOf(value)] };
    case "dialect":
      return {
        sql: "(l.dialect = ? or l.dialect glob ?)",
        values: [value.toLowerCase(), `${globbed(value)}*`],
      };
    case "tag":
      return {
        sql: "l.seq in (select lora from lora_tags where tag = (select id from tags where tag = ?))",
        values: [value],
      };
    case "collection":
      return {
        sql: `l.seq in (select m.lora from members m
          where m.collection = (select seq from collections where name = ?))`,
        values: [value],
      };
    default:
      return missingCase(field);
  }
}

/** `SD1.5`, `sd-15` and `sd15` are one family. */
function familyOf(value: string): string {
  const plain = value.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
  return plain === "sd1" || plain === "sd" ? "sd15" : plain;
}

function globbed(value: string): string {
  return value.toLowerCase().replaceAll(/[*?[]/g, "[$&]");
}
