/** Draws the icons in resources/ from the mark: `node build/icons.ts`. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { root } from "./tools/paths.ts";

const mark = join(root, "src-renderer", "app", "facet.svg");
const icons = join(root, "resources", "icons");

/** The window's and the application's icon, and what hangs under the pointer during a drag. */
const EDGES = { facet: 512, drag: 64 };

mkdirSync(icons, { recursive: true });
for (const [name, edge] of Object.entries(EDGES)) {
  // Drawn large and made small: thin edges come out smoother than at the small size.
  await sharp(mark, { density: 1200 })
    .resize(edge, edge)
    .png({ compressionLevel: 9, palette: true })
    .toFile(join(icons, `${name}.png`));
}
