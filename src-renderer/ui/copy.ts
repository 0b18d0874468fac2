/** Copies text, also where the clipboard interface is missing because the host is opened over plain HTTP. */
export function copyText(text: string): void {
  if (navigator.clipboard !== undefined) {
    navigator.clipboard.writeText(text).catch(() => copyBySelection(text));
    return;
  }
  copyBySelection(text);
}

function copyBySelection(text: string): void {
  const field = document.createElement("textarea");
  field.value = text;
  field.style.position = "fixed";
  document.body.append(field);
  field.select();
  document.execCommand("copy");
  field.remove();
}
