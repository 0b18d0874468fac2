/** One model in full: a picture made with it, what it took to open, what it is and what it still needs. */
import { Button, Menu, Select } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import type { z } from "zod";
import type { Model, Mounted, Vae } from "../../../src-preload/contract/models.ts";
import { bytes, count, day, plural, seconds } from "../../lib/format.ts";
import { dtypeName, familyName, providerName } from "../../lib/words.ts";
import { shell } from "../../studio/shell.ts";
import { studio } from "../../studio/client.ts";
import { copyText } from "../../ui/copy.ts";
import "../../ui/facts.css";
import { Copy, Fold } from "../../ui/fold.tsx";
import {
  IconAlertTriangle,
  IconDots,
  IconPhotoSpark,
  IconPlug,
  IconPlugConnected,
} from "../../ui/icons.ts";
import { NameText } from "../../ui/name-text.tsx";
import { Failed } from "../../ui/states.tsx";
import { toastFailure } from "../../ui/toast.tsx";
import { isUsable } from "../picture/use-models.ts";
import { CHOSEN, type SearchedFolder } from "./model-folders.tsx";
import { changeModel, forgetPath, hash, mount, unmount, useModels } from "./models-state.ts";
import { TestPicture, makeTestPicture } from "./test-picture.tsx";

interface ModelDetailsProps {
  readonly model: Model;
  readonly all: readonly Model[];
  readonly vaes: readonly z.infer<typeof Vae>[];
  readonly folders: readonly SearchedFolder[];
  readonly mounted: Mounted | null;
}

export function ModelDetails({ model, all, vaes, folders, mounted }: ModelDetailsProps): ReactNode {
  const failure = useModels((state) => state.failed[model.id]);
  const usable = isUsable(model);
  return (
    <div className="workspace-scroll model-details" data-testid="model-details">
      {usable && <TestPicture model={model} />}
      <div className="row model-head">
        <h2 className="model-title grow" data-selectable>
          {model.name}
        </h2>
        <More model={model} folders={folders} />
      </div>
      {usable && (
        <div className="row model-actions">
          <Button
            variant="filled"
            className="grow"
            leftSection={<IconPhotoSpark size={16} stroke={1.6} />}
            onClick={() => makeTestPicture(model)}
          >
            Test picture
          </Button>
          <MountButton model={model} mounted={mounted} />
        </div>
      )}
      {model.problem !== null && (
        <div className="model-trouble" role="note">
          <IconAlertTriangle size={16} stroke={1.6} aria-hidden="true" />
          <span data-selectable>{model.problem}</span>
        </div>
      )}
      {failure !== undefined && (
        <Failed
          doing={`${model.name} was not opened`}
          error={failure}
          retry={() => void mount(model.id)}
        />
      )}
      {mounted !== null && <WhatItTook mounted={mounted} />}
      {model.family !== null && model.problem === null && (
        <Parts model={model} all={all} vaes={vaes} />
      )}
      <ModelFacts model={model} />
      {model.extrasTotal > 0 && (
        <Fold
          title={`${plural(model.extrasTotal, "tensor")} that nothing reads`}
          copy={model.extras.join("\n")}
        >
          <ul className="model-extras mono" data-selectable>
            {model.extras.map((name) => (
              <li key={name}>{name}</li>
            ))}
            {model.extrasTotal > model.extras.length && (
              <li>and {count(model.extrasTotal - model.extras.length)} more</li>
            )}
          </ul>
        </Fold>
      )}
    </div>
  );
}

function MountButton({
  model,
  mounted,
}: {
  readonly model: Model;
  readonly mounted: Mounted | null;
}): ReactNode {
  const since = useModels((state) => state.mounting[model.id]);
  if (since !== undefined) return <Opening since={since} />;
  if (mounted !== null)
    return (
      <Button
        leftSection={<IconPlugConnected size={16} stroke={1.6} />}
        onClick={() => void unmount(model.id)}
      >
        Unmount
      </Button>
    );
  return (
    <Button leftSection={<IconPlug size={16} stroke={1.6} />} onClick={() => void mount(model.id)}>
      Mount
    </Button>
  );
}

function Opening({ since }: { readonly since: number }): ReactNode {
  const [now, setNow] = useState(since);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return (
    <span className="model-opening small muted" role="status" aria-live="off">
      Opening, {Math.round((now - since) / 1000)} s
      <span className="picture-progress" data-unknown aria-hidden="true">
        <span style={{ width: "30%" }} />
      </span>
    </span>
  );
}

function More({
  model,
  folders,
}: {
  readonly model: Model;
  readonly folders: readonly SearchedFolder[];
}): ReactNode {
  // What lies in a chosen folder comes back with it, so it is the folder that can be forgotten.
  const inside = folders.some(
    (folder) =>
      folder.source === CHOSEN && model.path.startsWith(folder.path) && model.path !== folder.path,
  );
  const forgettable = model.missing || (model.source === CHOSEN && !inside);
  return (
    <Menu position="bottom-end" width={220}>
      <Menu.Target>
        <Button className="model-more" aria-label="More actions">
          <IconDots size={16} />
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Item onClick={() => copyText(model.path)}>Copy the path</Menu.Item>
        {shell !== undefined && (
          <Menu.Item
            onClick={() => {
              studio.system
                .showInFolder({ path: model.path })
                .catch((error: unknown) => toastFailure("The folder was not opened", error));
            }}
          >
            Show in its folder
          </Menu.Item>
        )}
        {model.sha256 === null && model.problem === null && (
          <Menu.Item onClick={() => void hash(model)}>Hash it now</Menu.Item>
        )}
        {forgettable && (
          <>
            <Menu.Divider />
            <Menu.Item onClick={() => void forgetPath(model.path)}>Forget it</Menu.Item>
          </>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}

function WhatItTook({ mounted }: { readonly mounted: Mounted }): ReactNode {
  return (
    <section className="model-took" aria-label="Mounted">
      <dl className="facts">
        <dt>Graphs</dt>
        <dd>{seconds(mounted.graphSeconds)}</dd>
        <dt>Sessions</dt>
        <dd>
          {mounted.sessionSeconds === null
            ? "with the first picture"
            : seconds(mounted.sessionSeconds)}
        </dd>
        <dt>Computes on</dt>
        <dd>
          {providerName(mounted.provider)}, {dtypeName(mounted.precision)}
        </dd>
        <dt>Peak memory</dt>
        <dd>{bytes(mounted.peakBytes)}</dd>
      </dl>
      {mounted.notes.map((note) => (
        <p key={note} className="small muted" data-selectable>
          {note}
        </p>
      ))}
    </section>
  );
}

/** Parts that a model lacks, or that are to be taken from elsewhere. */
function Parts({
  model,
  all,
  vaes,
}: {
  readonly model: Model;
  readonly all: readonly Model[];
  readonly vaes: readonly z.infer<typeof Vae>[];
}): ReactNode {
  const givers = all.filter(
    (each) =>
      each.id !== model.id &&
      each.family === model.family &&
      each.problem === null &&
      each.kind !== "unet-only",
  );
  const wantsText =
    model.kind === "unet-only" || model.textFrom !== null || model.needs.includes("text encoders");
  const wantsVae = model.needs.includes("vae");
  if (!wantsText && !wantsVae && vaes.length === 0) return null;
  const own = wantsVae
    ? "Choose one"
    : model.kind === "unet-only"
      ? "From the text encoders' model"
      : "The model's own";
  return (
    <div className="model-parts">
      <Select
        label="VAE"
        value={model.vae ?? "own"}
        {...(wantsVae
          ? {
              description:
                vaes.length === 0
                  ? "No VAE file was found. Put one into models/vae, or add its folder."
                  : "This file has none.",
            }
          : {})}
        data={[
          { value: "own", label: own },
          ...vaes.map((vae) => ({ value: vae.path, label: vae.name })),
          ...(model.vae === null || vaes.some((vae) => vae.path === model.vae)
            ? []
            : [{ value: model.vae, label: model.vae }]),
        ]}
        onChange={(value) =>
          void changeModel({ id: model.id, vae: value === "own" ? null : value })
        }
      />
      {wantsText && (
        <Select
          label="Text encoders"
          value={model.textFrom ?? "none"}
          description={
            givers.length === 0
              ? `No whole ${model.family === null ? "" : `${familyName(model.family)} `}checkpoint was found to take them from. Add one.`
              : "Taken from a whole checkpoint of the same family."
          }
          data={[
            { value: "none", label: "Choose a model" },
            ...givers.map((each) => ({ value: each.id, label: each.name })),
          ]}
          onChange={(value) =>
            void changeModel({ id: model.id, textFrom: value === "none" ? null : value })
          }
        />
      )}
    </div>
  );
}

const kinds: Record<Model["kind"], string> = {
  "single-file": "one file",
  diffusers: "diffusers folder",
  "unet-only": "UNet only",
};

function ModelFacts({ model }: { readonly model: Model }): ReactNode {
  const prediction = [
    model.prediction === "velocity" ? "velocity (v-prediction)" : "noise (epsilon)",
    ...(model.zeroTerminalSnr ? ["zero terminal SNR"] : []),
  ].join(", ");
  return (
    <dl className="facts">
      {model.family !== null && (
        <>
          <dt>Family</dt>
          <dd>
            {familyName(model.family)}, {kinds[model.kind]}
          </dd>
          <dt>UNet widths</dt>
          <dd>{model.widths}</dd>
          <dt>Predicts</dt>
          <dd>{prediction}</dd>
        </>
      )}
      {model.dtypes.length > 0 && (
        <>
          <dt>Numbers</dt>
          <dd>
            {model.dtypes.map(dtypeName).join(", ")} in {plural(model.tensors, "tensor")}
          </dd>
        </>
      )}
      <dt>Size</dt>
      <dd>
        {bytes(model.bytes)}, {day(model.modifiedAt)}
      </dd>
      <dt>Found in</dt>
      <dd>{model.source}</dd>
      <dt>Path</dt>
      <dd>
        <span className="row">
          <span className="clip grow" title={model.path} dir="rtl">
            <bdi data-selectable>{model.path}</bdi>
          </span>
          <Copy text={model.path} label="Copy the path" />
        </span>
      </dd>
      {model.problem === null && (
        <>
          <dt>Licence</dt>
          <dd>
            <NameText
              value={model.licence ?? ""}
              fallback="not stated"
              label="Change the licence"
              mayBeEmpty
              onCommit={(text) =>
                void changeModel({ id: model.id, licence: text === "" ? null : text })
              }
            />
          </dd>
          <dt>SHA-256</dt>
          <dd>
            {model.sha256 === null ? (
              <span className="faint">not hashed yet</span>
            ) : (
              <span className="row">
                <span className="mono clip grow" title={model.sha256} data-selectable>
                  {model.sha256}
                </span>
                <Copy text={model.sha256} label="Copy the SHA-256" />
              </span>
            )}
          </dd>
        </>
      )}
    </dl>
  );
}
