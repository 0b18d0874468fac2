/** One quiet line where pictures would be, while no checkpoint can make them. */
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Family } from "../../../src-preload/contract/common.ts";
import { familyName } from "../../lib/words.ts";
import "./picture-stage.css";

export function AddModel({ family }: { readonly family: Family | null }): ReactNode {
  const kind = family === null ? "a checkpoint" : `an ${familyName(family)} checkpoint`;
  return (
    <p className="add-model small">
      <Link href="/models">Add {kind}</Link> <span className="muted">to see pictures.</span>
    </p>
  );
}
