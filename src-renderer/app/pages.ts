/** The pages there are, in the order of the rail. */
import type { Icon } from "@tabler/icons-react";
import {
  IconAdjustmentsHorizontal,
  IconHexagon3d,
  IconLayoutGrid,
  IconPackageExport,
  IconSettings,
  IconTriangle,
} from "../ui/icons.ts";

export interface PageEntry {
  readonly path: string;
  readonly label: string;
  readonly icon: Icon;
  /** At the foot of the rail. */
  readonly foot?: boolean;
}

export const pages: readonly PageEntry[] = [
  { path: "/explore", label: "Explore", icon: IconAdjustmentsHorizontal },
  { path: "/blend", label: "Blend", icon: IconTriangle },
  { path: "/library", label: "Library", icon: IconLayoutGrid },
  { path: "/export", label: "Export", icon: IconPackageExport },
  { path: "/models", label: "Models", icon: IconHexagon3d, foot: true },
  { path: "/settings", label: "Settings", icon: IconSettings, foot: true },
];
