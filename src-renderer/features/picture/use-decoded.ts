/** An image that is only swapped once the next one can be drawn, so that nothing flickers between two. */
import { useEffect, useRef, useState } from "react";

export interface Decoded {
  readonly source: string;
  readonly width: number;
  readonly height: number;
}

export function useDecoded(
  source: string | null,
  failed: (source: string) => void,
): Decoded | null {
  const [shown, setShown] = useState<Decoded | null>(null);
  const told = useRef(failed);
  told.current = failed;
  useEffect(() => {
    if (source === null) {
      setShown(null);
      return undefined;
    }
    let current = true;
    const image = new Image();
    image.src = source;
    image.decode().then(
      () => {
        if (current) setShown({ source, width: image.naturalWidth, height: image.naturalHeight });
      },
      () => {
        if (current) told.current(source);
      },
    );
    return () => {
      current = false;
    };
  }, [source]);
  return shown;
}
