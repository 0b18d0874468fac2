/** Cards on their way to a collection, the blend pad or the export queue, inside the window. */

const TYPE = "application/x-facet-identities";

/** The browser gives a drag's content only at the drop, so hovering looks at the type alone. */
export function carriesIdentities(transfer: DataTransfer | null): boolean {
  return transfer?.types.includes(TYPE) ?? false;
}

export function setDragged(transfer: DataTransfer, ids: readonly string[]): void {
  transfer.setData(TYPE, ids.join("\n"));
  transfer.effectAllowed = "copy";
}

export function takeDragged(transfer: DataTransfer): string[] {
  return transfer
    .getData(TYPE)
    .split("\n")
    .filter((id) => id !== "");
}
