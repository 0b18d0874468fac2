/** Above the instrument: which space, where the point starts, the seed, how it is drawn. */
import { Menu, SegmentedControl } from "@mantine/core";
import { modals } from "@mantine/modals";
import { type ReactNode, useState } from "react";
import type { Space } from "../../../src-preload/contract/spaces.ts";
import { count, plural } from "../../lib/format.ts";
import { familyName, formName } from "../../lib/words.ts";
import { queries, queryClient, studio } from "../../studio/client.ts";
import { Picture } from "../../ui/glyph.tsx";
import { IconButton } from "../../ui/icon-button.tsx";
import {
  IconArrowsLeftRight,
  IconChevronDown,
  IconCube,
  IconDice5,
  IconPencil,
  IconPlus,
  IconTrash,
} from "../../ui/icons.ts";
import { NumberText } from "../../ui/number-text.tsx";
import "../../ui/stage-chip.css";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { IdentityPicker } from "../library/identity-picker.tsx";
import { showPicture } from "../picture/picture-settings.ts";
import {
  type Point,
  openSpace,
  randomise,
  startAt,
  startAtMean,
  useExplore,
} from "./explore-state.ts";
import { openFit } from "./fit-state.ts";

export function StageHead({
  space,
  spaces,
  point,
  pictured,
}: {
  readonly space: Space;
  readonly spaces: readonly Space[];
  readonly point: Point;
  /** Null where no model makes pictures: then there is only the drawing. */
  readonly pictured: boolean | null;
}): ReactNode {
  const compare = useExplore((state) => state.compare);
  const drawing = useExplore((state) => state.drawing);
  const seed = useExplore((state) => state.seed);
  return (
    <div className="stage-head">
      <SpaceMenu space={space} spaces={spaces} />
      <IdentityPicker
        label="Where to start"
        family={space.family}
        extra={{ label: "Mean of the members", about: "all at 0", pick: startAtMean }}
        onPick={(card) => void startAt(space.id, card)}
      >
        {(open, opened) => (
          <button
            type="button"
            className="stage-chip"
            onClick={open}
            aria-expanded={opened}
            aria-label={`Starts at ${point.start.name}. Choose another start`}
          >
            <span className="thumb stage-thumb">
              {point.start.id === null ? (
                <span className="picker-mean stage-mean" />
              ) : (
                <Picture id={point.start.id} detail="small" />
              )}
            </span>
            <span className="stage-wide muted">Starts at</span>
            <strong className="clip">{point.start.name}</strong>
            <IconChevronDown size={14} aria-hidden="true" />
          </button>
        )}
      </IdentityPicker>
      <span className="grow" />
      {pictured === true ? (
        <IconButton
          icon={IconDice5}
          label="Randomise: draw from the members' distribution"
          hotkey="R"
          className="stage-dice"
          onClick={() => void randomise()}
        />
      ) : (
        <span className="stage-chip stage-seed">
          <span className="muted stage-wide">Seed</span>
          <NumberText
            label="Seed"
            value={seed}
            shown={String(seed)}
            step={1}
            onCommit={(value) =>
              useExplore.setState({ seed: Math.max(0, Math.round(value)), sampled: 0 })
            }
          />
          <IconButton
            icon={IconDice5}
            label="Randomise: draw from the members' distribution"
            hotkey="R"
            size={22}
            onClick={() => void randomise()}
          />
        </span>
      )}
      <SegmentedControl
        aria-label="What is shown of the point"
        value={pictured === true ? "picture" : drawing}
        onChange={(value) => {
          showPicture("explore", value === "picture");
          if (value !== "picture")
            useExplore.setState({ drawing: value === "ring" ? "ring" : "bars" });
        }}
        data={[
          ...(pictured === null ? [] : [{ value: "picture", label: "Picture" }]),
          { value: "bars", label: "Bars" },
          { value: "ring", label: "Ring" },
        ]}
      />
      <IconButton
        icon={IconArrowsLeftRight}
        label="Compare with the start"
        hotkey="C"
        pressed={compare}
        onClick={() => useExplore.setState({ compare: !compare })}
      />
    </div>
  );
}

function SpaceMenu({
  space,
  spaces,
}: {
  readonly space: Space;
  readonly spaces: readonly Space[];
}): ReactNode {
  const [opened, setOpened] = useState(false);
  return (
    <Menu opened={opened} onChange={setOpened} position="bottom-start" width={320}>
      <Menu.Target>
        <button
          type="button"
          className="stage-chip"
          aria-label={`Space: ${space.name}. Choose another`}
        >
          <IconCube size={16} stroke={1.6} aria-hidden="true" />
          <strong className="clip">{space.name}</strong>
          <span className="muted stage-wide">
            {formName(space.form).toLowerCase()}, {count(space.components)}
          </span>
          <IconChevronDown size={14} aria-hidden="true" />
        </button>
      </Menu.Target>
      <Menu.Dropdown>
        <Menu.Label>Spaces</Menu.Label>
        {spaces.map((each) => (
          <Menu.Item
            key={each.id}
            disabled={!each.available}
            onClick={() => openSpace(each.id)}
            aria-current={each.id === space.id ? "true" : undefined}
          >
            <span className="strong">{each.name}</span>
            <div className="small muted">
              {each.available
                ? `${familyName(each.family)}, ${formName(each.form).toLowerCase()}, ${plural(each.components, "component")}, ${plural(each.members, "member")}`
                : "Its file is gone"}
            </div>
          </Menu.Item>
        ))}
        <Menu.Divider />
        <Menu.Item leftSection={<IconPlus size={16} stroke={1.6} />} onClick={() => openFit(null)}>
          Fit a space…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconPencil size={16} stroke={1.6} />}
          onClick={() => rename(space)}
        >
          Rename {space.name}…
        </Menu.Item>
        <Menu.Item
          leftSection={<IconTrash size={16} stroke={1.6} />}
          color="var(--danger)"
          onClick={() => void remove(space)}
        >
          Delete {space.name}
        </Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}

function rename(space: Space): void {
  let name = space.name;
  modals.openConfirmModal({
    title: "Rename the space",
    labels: { confirm: "Rename", cancel: "Cancel" },
    children: (
      <input
        className="name-text-input stage-rename"
        aria-label="Name of the space"
        defaultValue={name}
        autoFocus
        data-autofocus
        maxLength={200}
        onChange={(event) => {
          name = event.currentTarget.value;
        }}
      />
    ),
    onConfirm() {
      if (name.trim() === "" || name === space.name) return;
      studio.spaces
        .rename({ id: space.id, name: name.trim() })
        .catch((error: unknown) => toastFailure("The space was not renamed", error))
        .finally(() => void queryClient.invalidateQueries({ queryKey: queries.spaces.key() }));
    },
  });
}

async function remove(space: Space): Promise<void> {
  try {
    await studio.spaces.remove({ id: space.id });
    toast({
      text: `Space “${space.name}” deleted. Identities made in it need it to be made again.`,
      seconds: 20,
      action: {
        label: "Undo",
        run() {
          studio.spaces
            .restore({ id: space.id })
            .then(() => openSpace(space.id))
            .catch((error: unknown) => toastFailure("The space did not come back", error))
            .finally(() => void queryClient.invalidateQueries({ queryKey: queries.spaces.key() }));
        },
      },
    });
  } catch (error) {
    toastFailure("The space was not deleted", error);
  }
  void queryClient.invalidateQueries({ queryKey: queries.spaces.key() });
}
