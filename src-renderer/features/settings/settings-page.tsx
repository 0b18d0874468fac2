/** Settings: how Facet looks, where things lie, and what the machine offers. */
import { copyText } from "../../ui/copy.ts";
import { Button, SegmentedControl, Skeleton } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Settings } from "../../../src-preload/contract/system.ts";
import type { Doctor } from "../../../src-preload/contract/system.ts";
import type { z } from "zod";
import { bytes, count, plural } from "../../lib/format.ts";
import { providerName } from "../../lib/words.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { IconButton } from "../../ui/icon-button.tsx";
import { IconCheck, IconCopy, IconRefresh, IconX } from "../../ui/icons.ts";
import { Title } from "../../ui/slots.tsx";
import { Failed } from "../../ui/states.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import "./settings.css";

type SettingsValue = z.output<typeof Settings>;
type DoctorReport = z.output<typeof Doctor>;

async function change(part: Partial<SettingsValue>): Promise<void> {
  const key = queries.system.settings.queryKey();
  const old = queryClient.getQueryData<SettingsValue>(key);
  if (old !== undefined) queryClient.setQueryData<SettingsValue>(key, { ...old, ...part });
  try {
    queryClient.setQueryData<SettingsValue>(key, await studio.system.changeSettings(part));
  } catch (error) {
    if (old !== undefined) queryClient.setQueryData<SettingsValue>(key, old);
    toastFailure("The setting was not kept", error);
  }
}

export default function SettingsPage(): ReactNode {
  const settings = useQuery(queries.system.settings.queryOptions());
  const doctor = useQuery(queries.system.doctor.queryOptions());
  const value = settings.data;
  return (
    <>
      <Title
        name="Settings"
        about={doctor.data === undefined ? "" : `Facet ${doctor.data.facet}`}
      />
      <main className="settings">
        <div className="settings-page">
          <Group title="Look">
            <Line name="Theme" about="Dark keeps the room quiet around pictures.">
              {value === undefined ? (
                <Skeleton height={30} width={220} />
              ) : (
                <SegmentedControl
                  aria-label="Theme"
                  value={value.theme}
                  onChange={(theme) => void change({ theme: Settings.shape.theme.parse(theme) })}
                  data={[
                    { value: "dark", label: "Dark" },
                    { value: "light", label: "Light" },
                    { value: "system", label: "As the system" },
                  ]}
                />
              )}
            </Line>
          </Group>
          <Group title="Library">
            <Line
              name="New files"
              about="Copies survive when the original is moved or deleted; references take no space. Originals are never changed either way."
            >
              {value === undefined ? (
                <Skeleton height={30} width={220} />
              ) : (
                <SegmentedControl
                  aria-label="New files"
                  value={value.storage}
                  onChange={(storage) =>
                    void change({ storage: storage === "reference" ? "reference" : "copy" })
                  }
                  data={[
                    { value: "copy", label: "Copy into the library" },
                    { value: "reference", label: "Leave where they are" },
                  ]}
                />
              )}
            </Line>
            <Line
              name="Place"
              about={
                doctor.data === undefined
                  ? ""
                  : `${plural(doctor.data.library.loras, "LoRA")}, ${plural(doctor.data.library.spaces, "space")}, version ${doctor.data.library.version}`
              }
            >
              {doctor.data === undefined ? (
                <Skeleton height={20} width={260} />
              ) : (
                <PathText path={doctor.data.library.path} />
              )}
            </Line>
            <Line
              name="Rebuild"
              about="Reads every file again and makes the index anew. Ratings, tags, notes and collections stay."
            >
              <Button
                onClick={() => {
                  studio.library
                    .rebuild()
                    .then(() => toast({ text: "Rebuilding. The jobs tray shows how far it is." }))
                    .catch((error: unknown) => toastFailure("The rebuild did not start", error));
                }}
              >
                Rebuild the index
              </Button>
            </Line>
          </Group>
          <Group title="Folders for export">
            {doctor.data?.comfy.length === 0 && (
              <p className="muted settings-note">
                No ComfyUI or A1111 was found. Export lets you choose any folder, and it shows up
                here.
              </p>
            )}
            {doctor.data?.comfy.map((folder) => (
              <div key={folder.path} className="settings-line">
                <div className="grow">
                  <PathText path={folder.path} />
                  <div className="small muted">
                    {[folder.tool, folder.source].filter(Boolean).join(", ")}
                    {!folder.exists && <span className="caution"> · is not there</span>}
                    {folder.exists && !folder.writable && (
                      <span className="danger"> · cannot be written</span>
                    )}
                  </div>
                </div>
                {value?.folders.includes(folder.path) === true && (
                  <IconButton
                    icon={IconX}
                    label={`Forget ${folder.path}`}
                    onClick={() => void forget(value, folder.path)}
                  />
                )}
              </div>
            ))}
          </Group>
          {doctor.error !== null && (
            <Failed
              doing="The machine could not be examined"
              error={doctor.error}
              retry={() => void doctor.refetch()}
            />
          )}
          {doctor.data !== undefined && (
            <Machine
              doctor={doctor.data}
              refresh={() => void doctor.refetch()}
              busy={doctor.isFetching}
            />
          )}
        </div>
      </main>
    </>
  );
}

async function forget(settings: SettingsValue, path: string): Promise<void> {
  await change({ folders: settings.folders.filter((each) => each !== path) });
  await Promise.all([
    queryClient.invalidateQueries({ queryKey: queries.system.doctor.key() }),
    queryClient.invalidateQueries({ queryKey: queries.exports.folders.key() }),
  ]);
  toast({
    text: "Folder forgotten; nothing in it was touched",
    action: {
      label: "Undo",
      run: () =>
        void change({ folders: settings.folders }).then(() =>
          queryClient.invalidateQueries({ queryKey: queries.system.doctor.key() }),
        ),
    },
  });
}

function Machine({
  doctor,
  refresh,
  busy,
}: {
  readonly doctor: DoctorReport;
  readonly refresh: () => void;
  readonly busy: boolean;
}): ReactNode {
  const available = doctor.providers.toSorted((a, b) => Number(b.available) - Number(a.available));
  const versions: [string, string][] = [
    ["Facet", doctor.facet],
    ["Node", doctor.node],
    ["ONNX Runtime", doctor.onnxruntime],
    ["SQLite", doctor.sqlite],
    ["Platform", doctor.platform],
    ["Cores", count(doctor.cores)],
    ["Memory", bytes(doctor.memoryBytes)],
    [
      "Engine",
      doctor.engine.running ? `running, ${bytes(doctor.engine.memoryBytes)}` : "not running",
    ],
    ["Models held ready", heldText(doctor)],
  ];
  return (
    <>
      <Group
        title="Where numbers are computed"
        tool={
          <>
            <IconButton
              icon={IconRefresh}
              label="Examine again"
              disabled={busy}
              onClick={refresh}
            />
            <IconButton
              icon={IconCopy}
              label="Copy everything for a report"
              onClick={() => copyText(JSON.stringify(doctor, null, 2))}
            />
          </>
        }
      >
        {available.map((provider) => (
          <div key={provider.name} className="settings-line">
            <span className="settings-sign" data-on={provider.available || undefined}>
              {provider.available ? (
                <IconCheck size={16} stroke={1.8} aria-label="available" />
              ) : (
                <IconX size={16} stroke={1.6} aria-label="not available" />
              )}
            </span>
            <div className="grow">
              <div>{providerName(provider.name)}</div>
              <div className="small muted" data-selectable>
                {providerText(provider, doctor)}
              </div>
            </div>
          </div>
        ))}
      </Group>
      <Group title="About">
        <dl className="settings-facts">
          {versions.map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd data-selectable>{value}</dd>
            </div>
          ))}
        </dl>
        <p className="small muted settings-note">
          Apache-2.0. Set in Inter, with icons from Tabler.
        </p>
      </Group>
    </>
  );
}

/** Devices and precision of a provider that works; why not, of another. */
function providerText(provider: DoctorReport["providers"][number], doctor: DoctorReport): string {
  const { available, name, precision, reason } = provider;
  if (!available) return reason ?? "";
  const devices = doctor.devices
    .filter((device) => device.provider === name)
    .map(({ name: device, memoryBytes }) =>
      memoryBytes === null ? device : `${device}, ${bytes(memoryBytes)}`,
    );
  const computes = `infers in ${precision.inference}, trains in ${precision.training}`;
  return [...devices, computes, ...(reason === undefined ? [] : [reason])].join("; ");
}

function heldText({ engines }: DoctorReport): string {
  const uses = engines.flatMap(({ sessions }) => (sessions === null ? [] : [sessions]));
  const held = uses.reduce((sum, { sessions }) => sum + sessions, 0);
  const size = uses.reduce((sum, use) => sum + use.bytes, 0);
  const most = uses.reduce((sum, { budgetBytes }) => Math.max(sum, budgetBytes), 0);
  return `${count(held)}, ${bytes(size)} of at most ${bytes(most)} an engine`;
}

function Group({
  title,
  tool,
  children,
}: {
  readonly title: string;
  readonly tool?: ReactNode;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <section className="settings-group">
      <div className="row settings-head">
        <h2 className="grow">{title}</h2>
        {tool}
      </div>
      <div className="settings-card">{children}</div>
    </section>
  );
}

function Line({
  name,
  about,
  children,
}: {
  readonly name: string;
  readonly about: string;
  readonly children: ReactNode;
}): ReactNode {
  return (
    <div className="settings-line">
      <div className="grow">
        <div>{name}</div>
        <div className="small muted">{about}</div>
      </div>
      {children}
    </div>
  );
}

function PathText({ path }: { readonly path: string }): ReactNode {
  return (
    <span className="row settings-path">
      <span className="clip" title={path} data-selectable>
        {path}
      </span>
      <IconButton icon={IconCopy} label={`Copy ${path}`} size={22} onClick={() => copyText(path)} />
    </span>
  );
}
