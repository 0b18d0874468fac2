/** Fitting a space: over which LoRAs, in which form, how large. Every choice says what it is for. */
import {
  Button,
  Modal,
  NumberInput,
  Radio,
  SegmentedControl,
  Select,
  Switch,
  TextInput,
} from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Form } from "../../../src-preload/contract/common.ts";
import type { FitRequest } from "../../../src-preload/contract/spaces.ts";
import { count, plural } from "../../lib/format.ts";
import { formName, formSentences } from "../../lib/words.ts";
import { queries, studio } from "../../studio/client.ts";
import { toastFailure } from "../../ui/toast.tsx";
import { useOverview } from "../library/overview.ts";
import "./fit-modal.css";
import { useFit } from "./fit-state.ts";

type Members = "selection" | "collection" | "all";

export function FitModal(): ReactNode {
  const { open, ids } = useFit();
  function close(): void {
    useFit.setState({ open: false });
  }
  return (
    <Modal opened={open} onClose={close} title="Fit a space" size={560}>
      {open && <FitForm ids={ids} close={close} />}
    </Modal>
  );
}

function FitForm({
  ids,
  close,
}: {
  readonly ids: readonly string[] | null;
  close(): void;
}): ReactNode {
  const overview = useOverview();
  const collections = overview?.collections ?? [];
  const [members, setMembers] = useState<Members>(
    ids !== null && ids.length >= 2 ? "selection" : "all",
  );
  const [chosen, setChosen] = useState<string | null>(null);
  const collection = chosen ?? collections[0]?.id ?? null;
  const [name, setName] = useState("");
  const [form, setForm] = useState<Form | "auto">("auto");
  const [components, setComponents] = useState<number | string>("");
  const [rank, setRank] = useState<number | string>("");
  const [standardise, setStandardise] = useState(false);
  const [busy, setBusy] = useState(false);

  const filter = members === "collection" && collection !== null ? { collection } : {};
  const counted = useQuery(
    queries.library.list.queryOptions({
      input: { ...filter, limit: 1 },
      enabled: members !== "selection",
    }),
  );
  const amount = members === "selection" ? (ids?.length ?? 0) : (counted.data?.total ?? 0);

  async function fit(): Promise<void> {
    setBusy(true);
    const request: FitRequest = {
      members: members === "selection" && ids !== null ? [...ids] : filter,
      standardise: standardise && form !== "delta",
      ...(name.trim() === "" ? {} : { name: name.trim() }),
      ...(form === "auto" ? {} : { form }),
      ...(typeof components === "number" ? { components } : {}),
      ...(typeof rank === "number" ? { rank } : {}),
    };
    try {
      await studio.spaces.fit(request);
      close();
    } catch (error) {
      toastFailure("The fit did not start", error);
    } finally {
      setBusy(false);
    }
  }

  return (
    <form
      className="fit"
      onSubmit={(event) => {
        event.preventDefault();
        void fit();
      }}
    >
      <TextInput
        label="Name"
        placeholder="Named after its members if left empty"
        value={name}
        maxLength={200}
        data-autofocus
        onChange={(event) => setName(event.currentTarget.value)}
      />
      <div>
        <div className="mantine-InputWrapper-label">Members</div>
        <div className="row">
          <SegmentedControl
            aria-label="Members"
            value={members}
            onChange={(value) => setMembers(value)}
            data={[
              {
                value: "selection",
                label: ids === null ? "Selection" : `Selection, ${count(ids.length)}`,
                disabled: ids === null || ids.length < 2,
              },
              { value: "collection", label: "Collection", disabled: collections.length === 0 },
              { value: "all", label: `All, ${count(overview?.all ?? 0)}` },
            ]}
          />
          {members === "collection" && (
            <Select
              className="grow"
              aria-label="Collection"
              value={collection}
              onChange={setChosen}
              data={collections.map((each) => ({
                value: each.id,
                label: `${each.name}, ${count(each.count)}`,
              }))}
            />
          )}
        </div>
      </div>
      <Radio.Group
        label="Form"
        value={form}
        onChange={(value) => setForm(value === "auto" ? "auto" : Form.parse(value))}
      >
        <div className="fit-forms">
          {(["auto", ...Form.options] as const).map((each) => (
            <Radio.Card key={each} value={each} className="fit-form">
              <Radio.Indicator size="xs" />
              <span>
                <strong>{each === "auto" ? "Auto" : formName(each)}</strong>
                <span className="muted small">{formSentences[each]}</span>
              </span>
            </Radio.Card>
          ))}
        </div>
      </Radio.Group>
      <div className="fit-numbers">
        <NumberInput
          label="Components"
          placeholder="As many as carry 99 %"
          description="At most members less one"
          min={1}
          max={4096}
          allowDecimal={false}
          value={components}
          onChange={setComponents}
        />
        <NumberInput
          label="Rank"
          placeholder="The members' most frequent"
          description="Of what leaves the space"
          min={1}
          max={320}
          allowDecimal={false}
          value={rank}
          onChange={setRank}
        />
      </div>
      <Switch
        label="Standardise"
        description="Divides each number by its standard deviation. For the factor forms only."
        checked={standardise && form !== "delta"}
        disabled={form === "delta"}
        onChange={(event) => setStandardise(event.currentTarget.checked)}
      />
      <div className="fit-foot">
        <span className="grow small muted">
          {amount < 2 && "A space needs at least two LoRAs of one family."}
        </span>
        <Button onClick={close}>Cancel</Button>
        <Button type="submit" variant="filled" disabled={amount < 2} loading={busy}>
          Fit over {plural(amount, "LoRA")}
        </Button>
      </div>
    </form>
  );
}
