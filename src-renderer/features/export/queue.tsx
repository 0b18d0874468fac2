/** The queue: each identity with the file name it will get. Rows are windowed, whatever its length. */
import { useQuery } from "@tanstack/react-query";
import { useVirtualizer } from "@tanstack/react-virtual";
import { type ReactNode, memo, useMemo, useRef } from "react";
import type { ExportResult } from "../../../src-preload/contract/exports.ts";
import { bytes, rank } from "../../lib/format.ts";
import { queries } from "../../studio/client.ts";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconAlertTriangle, IconCheck, IconX } from "../../ui/icons.ts";
import { unqueue } from "./export-state.ts";

interface Preview {
  readonly template: string;
  readonly dialect: "kohya" | "kohya-diffusers" | "peft";
  readonly dtype: "f16" | "bf16" | "f32";
}

interface QueueProps {
  readonly ids: readonly string[];
  readonly preview: Preview;
  readonly result: ExportResult | null;
}

const ROW = 44;
/** The contract previews this many names at a time. */
const BATCH = 100;

export function Queue({ ids, preview, result }: QueueProps): ReactNode {
  const scroller = useRef<HTMLDivElement>(null);
  // Its methods change with every scroll; nothing here memoises by them.
  // oxlint-disable-next-line react/incompatible-library
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
  });
  const written = useMemo(() => new Map(result?.files.map((file) => [file.id, file])), [result]);
  const failed = useMemo(() => new Map(result?.failed.map((each) => [each.id, each])), [result]);
  return (
    <div className="queue" ref={scroller} role="list" aria-label="Identities to export">
      <div style={{ height: rows.getTotalSize(), position: "relative" }}>
        {rows.getVirtualItems().map((item) => {
          const id = ids[item.index];
          if (id === undefined) return null;
          const batch = Math.floor(item.index / BATCH);
          const file = written.get(id);
          const failure = failed.get(id);
          return (
            <div
              key={id}
              className="queue-row"
              role="listitem"
              style={{ transform: `translateY(${item.start}px)` }}
              data-failed={failure !== undefined || undefined}
            >
              <QueueRow
                id={id}
                ids={ids}
                batch={batch}
                at={item.index % BATCH}
                preview={preview}
                path={file?.path}
                size={file?.bytes}
                note={file?.notes.join(" ") ?? ""}
                failure={failure?.reason}
              />
            </div>
          );
        })}
      </div>
    </div>
  );
}

interface RowProps {
  readonly id: string;
  readonly ids: readonly string[];
  readonly batch: number;
  readonly at: number;
  readonly preview: Preview;
  readonly path: string | undefined;
  readonly size: number | undefined;
  /** What its user should know of the file; often empty. */
  readonly note: string;
  readonly failure: string | undefined;
}

const QueueRow = memo(function QueueRow({
  id,
  ids,
  batch,
  at,
  preview,
  path,
  size,
  note,
  failure,
}: RowProps): ReactNode {
  const { data, error } = useQuery(queries.library.get.queryOptions({ input: { id } }));
  const names = useQuery(
    queries.exports.preview.queryOptions({
      input: { ids: ids.slice(batch * BATCH, (batch + 1) * BATCH), ...preview },
      enabled: preview.template.trim() !== "",
      retry: false,
      placeholderData: (old) => old,
    }),
  );
  const name = names.data?.[at];
  return (
    <>
      <span className="thumb">
        <Picture id={id} preview={data?.preview} detail="small" />
      </span>
      <span className="queue-name">
        <span className="clip">
          {error === null ? (data?.name ?? "…") : "No longer in the library"}
        </span>
        <span className="tiny muted">
          {data === undefined
            ? ""
            : data.kind === "recipe"
              ? `recipe, rank ${rank(data.rank)}`
              : `rank ${rank(data.rank)}`}
        </span>
      </span>
      <span
        className="queue-file clip"
        title={note === "" ? (path ?? failure ?? name) : `${path ?? ""}: ${note}`}
        data-selectable
      >
        {failure ??
          path ??
          (name === undefined ? "" : name.endsWith(".safetensors") ? name : `${name}.safetensors`)}
      </span>
      <span className="queue-state small muted">
        {failure !== undefined && <IconAlertTriangle size={16} stroke={1.6} aria-label="Failed" />}
        {path !== undefined && (
          <>
            {note === "" ? (
              <IconCheck size={16} stroke={1.8} aria-label="Written" />
            ) : (
              <IconAlertTriangle size={16} stroke={1.6} aria-label={`Written. ${note}`} />
            )}{" "}
            {size !== undefined && bytes(size)}
          </>
        )}
      </span>
      <IconButton
        icon={IconX}
        label={`Take ${data?.name ?? "it"} off the queue`}
        size={22}
        onClick={() => unqueue(id)}
      />
    </>
  );
});
