/** Which model is looked at, what is being done with each, and what the studio knows of models. */
import { create } from "zustand";
import type { Model, Mounted } from "../../../src-preload/contract/models.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { isUsable } from "../picture/use-models.ts";

interface ModelsState {
  readonly selected: string | null;
  /** When the opening of each model that is being mounted began, in milliseconds. */
  readonly mounting: Readonly<Record<string, number>>;
  readonly failed: Readonly<Record<string, unknown>>;
  readonly adding: boolean;
}

export const useModels = create<ModelsState>(() => ({
  selected: null,
  mounting: {},
  failed: {},
  adding: false,
}));

export type ModelGroup = "usable" | "wanting" | "refused";

export function groupOf(model: Model): ModelGroup {
  if (isUsable(model)) return "usable";
  return model.problem === null && model.family !== null ? "wanting" : "refused";
}

export function selectModel(id: string): void {
  useModels.setState({ selected: id });
}

export function openAdding(): void {
  useModels.setState({ adding: true });
}

export function refreshModels(): Promise<void> {
  return queryClient.invalidateQueries({ queryKey: queries.models.key() });
}

export async function lookAgain(): Promise<void> {
  try {
    await studio.models.refresh();
  } catch (error) {
    toastFailure("The folders were not searched again", error);
  }
  await refreshModels();
}

/** Throws where nothing was added: the dialog says why beside the path. */
export async function addModels(path: string): Promise<readonly Model[]> {
  const added = await studio.models.add({ path });
  await refreshModels();
  const [first] = added;
  if (first !== undefined) selectModel(first.id);
  return added;
}

export async function forgetPath(path: string): Promise<void> {
  try {
    await studio.models.forget({ path });
    toast({
      text: "Forgotten; nothing on disk was touched",
      action: {
        label: "Undo",
        run() {
          addModels(path).catch((error: unknown) => toastFailure("It did not come back", error));
        },
      },
    });
  } catch (error) {
    toastFailure(`${path} was not forgotten`, error);
  }
  await refreshModels();
}

type Change = Parameters<typeof studio.models.change>[0];

export async function changeModel(change: Change): Promise<void> {
  try {
    await studio.models.change(change);
  } catch (error) {
    toastFailure("The model was not changed", error);
  }
  await refreshModels();
}

export async function mount(id: string): Promise<void> {
  useModels.setState(({ mounting, failed }) => ({
    mounting: { ...mounting, [id]: Date.now() },
    failed: without(failed, id),
  }));
  try {
    const mounted = await studio.models.mount({ id });
    queryClient.setQueryData<Mounted[]>(queries.models.mounted.queryKey(), (old) => [
      ...(old ?? []).filter((each) => each.model !== id),
      mounted,
    ]);
  } catch (error) {
    useModels.setState(({ failed }) => ({ failed: { ...failed, [id]: error } }));
  } finally {
    useModels.setState(({ mounting }) => ({ mounting: without(mounting, id) }));
    await queryClient.invalidateQueries({ queryKey: queries.models.mounted.key() });
  }
}

export async function unmount(id: string): Promise<void> {
  try {
    await studio.models.unmount({ id });
  } catch (error) {
    toastFailure("The model was not closed", error);
  }
  await queryClient.invalidateQueries({ queryKey: queries.models.mounted.key() });
}

export async function hash(model: Model): Promise<void> {
  try {
    await studio.models.hash({ id: model.id });
    toast({
      text: `${model.name} is hashed in the background. The jobs tray shows how far it is.`,
    });
  } catch (error) {
    toastFailure(`${model.name} was not hashed`, error);
  }
}

function without<T>(record: Readonly<Record<string, T>>, key: string): Record<string, T> {
  const { [key]: _gone, ...rest } = record;
  return rest;
}
