/** An image that is only swapped once the next one can be drawn, so that nothing flickers between two. */
import { useEffect, useEffectEvent, useState } from "react";

export interface Decoded {
  readonly source: string;
  readonly width: number;
  readonly height: number;
}

/** `failed` is told of an address that holds no picture (any more). */
export function useDecoded(
  source: string | null,
  failed: (source: string) => void,
): Decoded | null {
  const [shown, setShown] = useState<Decoded | null>(null);
  const tell = useEffectEvent(failed);
  useEffect(() => {
    if (source === null) return undefined;
    let current = true;
    const image = new Image();
    image.src = source;
    image.decode().then(
      () => {
        if (current) setShown({ source, width: image.naturalWidth, height: image.naturalHeight });
      },
      () => {
        if (current) tell(source);
      },
    );
    return () => {
      current = false;
    };
  }, [source]);
  return source === null ? null : shown;
}
