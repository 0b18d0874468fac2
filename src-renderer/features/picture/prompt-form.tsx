/** The prompt and what it should not show, with presets to begin from and to keep. */
import { Button, Textarea, TextInput } from "@mantine/core";
import { type ReactNode, useEffect, useRef, useState } from "react";
import { IconBookmarkPlus, IconX } from "../../ui/icons.ts";
import "../../ui/tags.css";
import { toast } from "../../ui/toast.tsx";
import { removePreset, savePreset, setPicture, usePictureSettings } from "./picture-settings.ts";
import { type Preset, shippedPresets } from "./presets.ts";

/** Shorter than a thought, longer than the pause between two keys. */
const TYPING_MS = 700;

export function PromptForm({ trigger }: { readonly trigger: string | null }): ReactNode {
  const { prompt, negative, presets } = usePictureSettings();
  const chosen = (preset: Preset): boolean =>
    preset.prompt === prompt && preset.negative === negative;
  return (
    <div className="prompt-form">
      <div className="tags" role="group" aria-label="Prompt presets">
        {shippedPresets.map((preset) => (
          <button
            key={preset.id}
            type="button"
            className="tag"
            aria-pressed={chosen(preset)}
            onClick={() => take(preset)}
          >
            {preset.name}
          </button>
        ))}
        {presets.map((preset) => (
          <span key={preset.id} className="tag tag-split" aria-pressed={chosen(preset)}>
            <button
              type="button"
              className="plain clip"
              aria-pressed={chosen(preset)}
              onClick={() => take(preset)}
            >
              {preset.name}
            </button>
            <button
              type="button"
              className="plain"
              aria-label={`Delete the preset ${preset.name}`}
              onClick={() => {
                const restore = removePreset(preset);
                toast({
                  text: `Preset “${preset.name}” deleted`,
                  action: { label: "Undo", run: restore },
                });
              }}
            >
              <IconX size={12} aria-hidden="true" />
            </button>
          </span>
        ))}
      </div>
      <TypedText
        label="Prompt"
        rows={3}
        value={prompt}
        about={`{trigger} stands for the trigger word, here “${trigger ?? "person"}”.`}
        onCommit={(text) => setPicture({ prompt: text })}
      />
      <TypedText
        label="Negative prompt"
        rows={2}
        value={negative}
        onCommit={(text) => setPicture({ negative: text })}
      />
      <SaveAs />
    </div>
  );
}

function take({ prompt, negative }: Preset): void {
  setPicture({ prompt, negative });
}

function TypedText({
  label,
  value,
  rows,
  about,
  onCommit,
}: {
  readonly label: string;
  readonly value: string;
  readonly rows: number;
  readonly about?: string;
  onCommit(text: string): void;
}): ReactNode {
  const [draft, setDraft] = useState<string | null>(null);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);

  function commit(text: string | null): void {
    clearTimeout(timer.current);
    setDraft(null);
    if (text !== null && text !== value) onCommit(text);
  }
  return (
    <Textarea
      label={label}
      {...(about === undefined ? {} : { description: about })}
      inputWrapperOrder={["label", "input", "description"]}
      autosize
      minRows={rows}
      maxRows={8}
      maxLength={20_000}
      value={draft ?? value}
      onChange={(event) => {
        const text = event.currentTarget.value;
        setDraft(text);
        clearTimeout(timer.current);
        timer.current = setTimeout(() => onCommit(text), TYPING_MS);
      }}
      onBlur={() => commit(draft)}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) commit(draft);
      }}
    />
  );
}

function SaveAs(): ReactNode {
  const [name, setName] = useState<string | null>(null);
  if (name === null)
    return (
      <Button
        size="compact-sm"
        className="prompt-save"
        leftSection={<IconBookmarkPlus size={14} stroke={1.6} />}
        onClick={() => setName("")}
      >
        Save as preset
      </Button>
    );
  return (
    <form
      className="row"
      onSubmit={(event) => {
        event.preventDefault();
        if (name.trim() === "") return;
        savePreset(name.trim());
        setName(null);
      }}
    >
      <TextInput
        className="grow"
        aria-label="Name of the preset"
        placeholder="Name of the preset"
        autoFocus
        value={name}
        maxLength={60}
        onChange={(event) => setName(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key !== "Escape") return;
          event.stopPropagation();
          setName(null);
        }}
      />
      <Button type="submit" variant="filled" disabled={name.trim() === ""}>
        Save
      </Button>
    </form>
  );
}
