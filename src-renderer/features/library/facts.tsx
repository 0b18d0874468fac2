/** What the file says, as a short list; the long ones (keys, metadata) fold out. */
import type { ReactNode } from "react";
import type { Details } from "../../../src-preload/contract/library.ts";
import { bytes, count, day, plural, rank } from "../../lib/format.ts";
import { componentNames, dialectName, familyName } from "../../lib/words.ts";
import { Copy, Fold } from "../../ui/fold.tsx";
import "../../ui/facts.css";
import { NumberText } from "../../ui/number-text.tsx";
import { changeOne } from "./edits.ts";

export function Facts({ data }: { readonly data: Details }): ReactNode {
  const inspection = data.inspection;
  const metadata = inspection?.metadata ?? {};
  const unmatched = inspection?.unmatched ?? [];
  const trained = [
    metadata["ss_num_train_images"] && `${metadata["ss_num_train_images"]} pictures`,
    metadata["ss_steps"] && `${count(Number(metadata["ss_steps"]))} steps`,
  ]
    .filter(Boolean)
    .join(" · ");
  const others =
    inspection?.adapters.filter((adapter) => adapter !== "lora" && adapter !== "dora") ?? [];
  const storage = {
    copied: "copied into the library",
    referenced: "stays where it is",
    recipe: "recipe, made on demand",
  }[data.storage];

  return (
    <>
      <dl className="facts">
        <Fact name="Understood">
          {data.kind === "recipe"
            ? plural(data.modules, "module")
            : `${count(data.matched)} of ${plural(data.total, "key")}, ${plural(data.modules, "module")}`}
        </Fact>
        <Fact name="Family">
          {familyName(data.family)}
          {inspection !== null &&
            inspection.components.length > 0 &&
            `, ${componentNames(inspection.components)}`}
        </Fact>
        {inspection !== null && inspection.widths !== null && (
          <Fact name="Widths">{inspection.widths}, not those of the published model</Fact>
        )}
        {data.kind === "file" && (
          <Fact name="Written as">
            {dialectName(data.dialect)}
            {inspection !== null &&
              inspection.dtypes.length > 0 &&
              ` · ${inspection.dtypes.map((dtype) => dtype.toLowerCase()).join(", ")}`}
          </Fact>
        )}
        <Fact name={metadata["ss_network_alpha"] === undefined ? "Rank" : "Rank, alpha"}>
          {rank(data.rank)}
          {metadata["ss_network_alpha"] !== undefined && `, ${metadata["ss_network_alpha"]}`}
        </Fact>
        {inspection !== null && inspection.parameters > 0 && (
          <Fact name="Numbers">{count(inspection.parameters)}</Fact>
        )}
        {others.length > 0 && <Fact name="Adapters">{others.join(", ")}, converted by SVD</Fact>}
        {inspection !== null && inspection.needsBase.length > 0 && (
          <Fact name="Needs the base">{inspection.needsBase.join(", ")}</Fact>
        )}
        {inspection !== null && inspection.embeddings.length > 0 && (
          <Fact name="Embeddings">{inspection.embeddings.join(" ")}</Fact>
        )}
        {trained !== "" && <Fact name="Trained on">{trained}</Fact>}
        <Fact name="Best at">
          <span className="row facts-weight">
            <NumberText
              label="Preferred strength"
              value={data.preferredWeight ?? 1}
              shown={data.preferredWeight === null ? "not set" : data.preferredWeight.toFixed(2)}
              step={0.05}
              onCommit={(preferredWeight) =>
                changeOne(
                  data.id,
                  { preferredWeight: Math.min(10, Math.max(-10, preferredWeight)) },
                  { preferredWeight: data.preferredWeight },
                  "Preferred strength",
                )
              }
            />
            {data.preferredWeight !== null && <span className="muted">strength</span>}
          </span>
        </Fact>
        <Fact name="File">
          {bytes(data.bytes)}, {storage}
        </Fact>
        <Fact name="Added">{day(data.createdAt)}</Fact>
        {data.path !== null && (
          <Fact name="Path">
            <span className="row">
              <span className="clip grow" title={data.path} dir="rtl">
                <bdi>{data.path}</bdi>
              </span>
              <Copy text={data.path} label="Copy the path" />
            </span>
          </Fact>
        )}
      </dl>
      {unmatched.length > 0 && (
        <Fold
          title={`${plural(unmatched.length, "key")} not understood`}
          copy={unmatched.join("\n")}
        >
          <ul className="keys-list mono" data-selectable>
            {unmatched.slice(0, 500).map((key) => (
              <li key={key}>{key}</li>
            ))}
          </ul>
        </Fold>
      )}
      {Object.keys(metadata).length > 0 && (
        <Fold
          title={`Metadata, ${plural(Object.keys(metadata).length, "entry", "entries")}`}
          copy={JSON.stringify(metadata, null, 2)}
        >
          <table className="metadata" data-selectable>
            <tbody>
              {Object.entries(metadata).map(([key, value]) => (
                <tr key={key}>
                  <th scope="row">{key}</th>
                  <td>{value.length > 400 ? `${value.slice(0, 400)}…` : value}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </Fold>
      )}
    </>
  );
}

function Fact({
  name,
  children,
}: {
  readonly name: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <>
      <dt>{name}</dt>
      <dd data-selectable>{children}</dd>
    </>
  );
}
