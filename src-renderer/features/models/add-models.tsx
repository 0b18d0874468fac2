/** Naming a checkpoint, a diffusers folder or a folder of such: by dialog, by path, or by walking there. */
import { Button, Modal, TextInput } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { plural } from "../../lib/format.ts";
import { queries } from "../../studio/client.ts";
import { failureOf } from "../../studio/failure.ts";
import { pickFiles } from "../../studio/files.ts";
import { FolderPicker } from "../../ui/folder-picker.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { addModels, useModels } from "./models-state.ts";

function close(): void {
  useModels.setState({ adding: false });
}

/** Adds and says what it brought; throws what main says. */
async function add(path: string): Promise<void> {
  const added = await addModels(path);
  close();
  toast({
    text:
      added.length > 1
        ? `${plural(added.length, "model")} found there`
        : `${added[0]?.name ?? "A VAE"} added`,
  });
}

export function AddModels(): ReactNode {
  const opened = useModels((state) => state.adding);
  const dialogs = useQuery(queries.system.capabilities.queryOptions()).data?.pickFiles === true;
  return (
    <Modal opened={opened} onClose={close} title="Add a checkpoint" size={560}>
      {opened && (
        <div className="add-models">
          <ByPath />
          {dialogs ? <ByDialog /> : <ByFolder />}
        </div>
      )}
    </Modal>
  );
}

function ByPath(): ReactNode {
  const [path, setPath] = useState("");
  const [failure, setFailure] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  return (
    <form
      className="add-models-path"
      onSubmit={(event) => {
        event.preventDefault();
        if (path.trim() === "") return;
        setBusy(true);
        setFailure(null);
        add(path.trim())
          .catch((error: unknown) => setFailure(failureOf(error).message))
          .finally(() => setBusy(false));
      }}
    >
      <TextInput
        className="grow"
        label="Path of a .safetensors file or of a diffusers folder"
        placeholder="/models/checkpoints/portrait.safetensors"
        data-autofocus
        spellCheck={false}
        value={path}
        error={failure}
        onChange={(event) => {
          setPath(event.currentTarget.value);
          setFailure(null);
        }}
      />
      <Button type="submit" variant="filled" loading={busy} disabled={path.trim() === ""}>
        Add
      </Button>
    </form>
  );
}

function ByFolder(): ReactNode {
  return (
    <>
      <p className="small muted add-models-or">
        Or choose a folder on the machine that runs Facet; it is searched for checkpoints.
      </p>
      <FolderPicker
        verb="Search this folder"
        mayBeEmpty
        counts={false}
        onPick={(path) => {
          add(path).catch((error: unknown) => toastFailure(`${path} was not added`, error));
        }}
      />
    </>
  );
}

function ByDialog(): ReactNode {
  function pick(folders: boolean): void {
    pickFiles(folders ? "Folders of checkpoints" : "Checkpoints", folders)
      .then(async (paths) => {
        for (const path of paths) await add(path);
      })
      .catch((error: unknown) => toastFailure("Nothing was added", error));
  }
  return (
    <div className="row add-models-or">
      <Button onClick={() => pick(false)}>Choose a file…</Button>
      <Button onClick={() => pick(true)}>Choose a folder…</Button>
    </div>
  );
}
