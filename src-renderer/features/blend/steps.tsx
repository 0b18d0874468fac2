/** The strip below Blend: steps from the first parent to the second, to go to, keep or export. */
import { type ReactNode, useState } from "react";
import { useLocation } from "wouter";
import { mixMarks } from "../../lib/glyph.ts";
import { studio } from "../../studio/client.ts";
import { Glyph, markFor } from "../../ui/glyph.tsx";
import { IconCheck, IconPackageExport } from "../../ui/icons.ts";
import { NumberText } from "../../ui/number-text.tsx";
import { toast, toastFailure } from "../../ui/toast.tsx";
import { queueForExport } from "../export/export-state.ts";
import { type Made, madeOf, useMade } from "../picture/made.ts";
import { Thumbnail } from "../picture/thumbnail.tsx";
import { nameOf } from "../picture/use-picture.ts";
import { subjectWith } from "./blend-picture.tsx";
import { type Mix, draftOf, goToWeights, useBlend } from "./blend-state.ts";

interface Step {
  readonly name: string;
  readonly weights: readonly number[];
}

function stepsOf(mix: Mix, amount: number): Step[] {
  const [from, to] = mix.parents;
  if (from === undefined || to === undefined) return [];
  return Array.from({ length: amount }, (_, i) => {
    const share = i / (amount - 1);
    const name =
      i === 0
        ? from.name
        : i === amount - 1
          ? to.name
          : share === 0.5
            ? "Half"
            : `${Math.round(share * 100)} %`;
    return {
      name,
      weights: mix.parents.map((_parent, at) => (at === 0 ? 1 - share : at === 1 ? share : 0)),
    };
  });
}

export function Steps({ mix }: { readonly mix: Mix }): ReactNode {
  const amount = useBlend((state) => state.steps);
  const [made, setMade] = useState<number | null>(null);
  const [, navigate] = useLocation();
  const list = useMade((state) => state.list);
  const pictureOf = (weights: readonly number[]): Made | undefined => {
    const subject = list.length === 0 ? null : subjectWith(mix, weights);
    return subject === null ? undefined : madeOf(list, nameOf(subject));
  };
  const [from, to] = mix.parents;
  const steps = stepsOf(mix, amount);

  async function keepAll(exporting: boolean): Promise<void> {
    if (from === undefined || to === undefined) return;
    const ids: string[] = [];
    setMade(0);
    try {
      for (const [i, step] of steps.entries()) {
        const draft = draftOf(mix, step.weights);
        if (draft === null) break;
        const name = `${from.name} to ${to.name} ${Math.round((i / (amount - 1)) * 100)} %`;
        ids.push((await studio.identities.keep({ draft, name })).id);
        setMade(ids.length);
      }
      if (exporting) {
        queueForExport(ids);
        navigate("/export");
      } else
        toast({
          text: `${ids.length} steps kept`,
          action: {
            label: "Export them",
            run: () => {
              queueForExport(ids);
              navigate("/export");
            },
          },
        });
    } catch (error) {
      toastFailure(`${ids.length} of ${steps.length} steps were kept`, error);
    } finally {
      setMade(null);
    }
  }

  if (from === undefined || to === undefined)
    return (
      <div className="strip">
        <span className="strip-about strip-hint small">
          With two parents or more, the steps between the first two stand here.
        </span>
      </div>
    );
  return (
    <div className="strip" role="list" aria-label={`Steps from ${from.name} to ${to.name}`}>
      <span className="strip-about small">
        From {from.name} to {to.name}
        <span className="row strip-count">
          <NumberText
            label="Number of steps"
            value={amount}
            shown={String(amount)}
            step={1}
            onCommit={(value) =>
              useBlend.setState({ steps: Math.min(64, Math.max(3, Math.round(value))) })
            }
          />{" "}
          steps
        </span>
      </span>
      {steps.map((step, i) => (
        <div key={i} className="strip-item" role="listitem">
          <button
            type="button"
            className="strip-picture"
            aria-label={`Go to ${step.name}`}
            aria-pressed={step.weights.every(
              (weight, at) => Math.abs(weight - (mix.parents[at]?.value ?? 0)) < 0.005,
            )}
            onClick={() => goToWeights(step.weights)}
          >
            <Thumbnail made={pictureOf(step.weights)}>
              <Glyph
                mark={mixMarks(
                  mix.parents.map((parent) => markFor(parent.id)),
                  step.weights,
                )}
              />
            </Thumbnail>
          </button>
          <span className="strip-name clip">{step.name}</span>
        </div>
      ))}
      <div className="strip-tools">
        <button
          type="button"
          className="strip-tool"
          disabled={made !== null}
          onClick={() => void keepAll(false)}
        >
          <IconCheck size={16} stroke={1.6} aria-hidden="true" />
          {made === null ? `Keep all ${amount}` : `${made} of ${amount} kept`}
        </button>
        <button
          type="button"
          className="strip-tool"
          disabled={made !== null}
          onClick={() => void keepAll(true)}
        >
          <IconPackageExport size={16} stroke={1.6} aria-hidden="true" />
          Export all {amount}
        </button>
      </div>
    </div>
  );
}
