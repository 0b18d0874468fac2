/** Says calmly that the connection is away, and what happens next. */
import { Button } from "@mantine/core";
import { type ReactNode, useEffect, useState } from "react";
import { retryNow, useConnection } from "../studio/connection.ts";
import { IconPlugConnectedX } from "../ui/icons.ts";
import { Empty } from "../ui/states.tsx";

/** A restart of the engine or a blink of the network is over before this. */
const PATIENCE_MS = 700;

export function ConnectionBanner(): ReactNode {
  const lost = useConnection((state) => state.state === "lost");
  return lost ? <Banner /> : null;
}

function Banner(): ReactNode {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, []);
  if (!late) return null;
  return (
    <div className="banner" role="status">
      <IconPlugConnectedX size={18} stroke={1.6} aria-hidden="true" />
      <span className="grow">
        The connection to Facet is away. Nothing is lost; it is tried again by itself, and running
        jobs go on.
      </span>
      <Button size="compact-sm" onClick={retryNow}>
        Try now
      </Button>
    </div>
  );
}

export function Refused(): ReactNode {
  return (
    <div className="refused">
      <Empty
        title="This address needs its token"
        text="Open the whole link that “facet serve” or “npm start” printed, with the part after #. It is new each time Facet starts."
      />
    </div>
  );
}
