/** Mantine in Facet's colours and sizes. The values of both schemes stand in base.css as variables. */
import {
  type CSSVariablesResolver,
  type MantineColorsTuple,
  createTheme,
  ActionIcon,
  Button,
  Checkbox,
  Menu,
  Modal,
  NumberInput,
  Popover,
  SegmentedControl,
  Select,
  Skeleton,
  Switch,
  Textarea,
  TextInput,
  Tooltip,
} from "@mantine/core";

/** Index 4 is the accent of the dark scheme (lines, focus), 6 that of the light; 5 fills buttons under white text at 4.6:1. */
const accent: MantineColorsTuple = [
  "#eaf2ff",
  "#d3e3ff",
  "#a6c6ff",
  "#78a8ff",
  "#4f8cff",
  "#2f6fe4",
  "#1f6feb",
  "#1a5fcb",
  "#154fa9",
  "#0f3d85",
];
const dark: MantineColorsTuple = [
  "#e6e6e6",
  "#c9c9c9",
  "#a3a3a3",
  "#8f8f8f",
  "#343434",
  "#303030",
  "#262626",
  "#1d1d1d",
  "#161616",
  "#0f0f0f",
];
const gray: MantineColorsTuple = [
  "#fbfbfb",
  "#f4f4f4",
  "#ededed",
  "#e2e2e2",
  "#dcdcdc",
  "#6e6e6e",
  "#5c5c5c",
  "#454545",
  "#303030",
  "#1c1c1c",
];

const tooltipOff = { openDelay: 500, withArrow: false, transitionProps: { duration: 80 } };
const quick = { duration: 120, transition: "fade" } as const;

export const theme = createTheme({
  primaryColor: "accent",
  primaryShade: { light: 6, dark: 5 },
  colors: { accent, dark, gray },
  white: "#ffffff",
  black: "#1c1c1c",
  defaultRadius: "md",
  radius: { xs: "3px", sm: "4px", md: "6px", lg: "6px", xl: "6px" },
  fontFamily: '"Inter Variable", system-ui, sans-serif',
  fontFamilyMonospace: 'ui-monospace, "Cascadia Mono", "DejaVu Sans Mono", monospace',
  fontSizes: { xs: "11px", sm: "12px", md: "13px", lg: "14px", xl: "16px" },
  lineHeights: { xs: "16px", sm: "16px", md: "20px", lg: "20px", xl: "24px" },
  spacing: { xs: "4px", sm: "8px", md: "12px", lg: "16px", xl: "24px" },
  shadows: {
    xs: "none",
    sm: "none",
    md: "0 0 0 1px var(--line)",
    lg: "0 0 0 1px var(--line)",
    xl: "0 0 0 1px var(--line)",
  },
  cursorType: "pointer",
  respectReducedMotion: true,
  components: {
    Button: Button.extend({ defaultProps: { size: "sm", variant: "default" } }),
    ActionIcon: ActionIcon.extend({ defaultProps: { size: 28, variant: "subtle", color: "gray" } }),
    Tooltip: Tooltip.extend({ defaultProps: tooltipOff }),
    Menu: Menu.extend({ defaultProps: { shadow: "md", transitionProps: quick } }),
    Popover: Popover.extend({ defaultProps: { shadow: "md", transitionProps: quick } }),
    Modal: Modal.extend({
      defaultProps: {
        centered: true,
        transitionProps: quick,
        closeButtonProps: { "aria-label": "Close" },
        overlayProps: { backgroundOpacity: 0.5 },
      },
    }),
    TextInput: TextInput.extend({ defaultProps: { size: "sm" } }),
    NumberInput: NumberInput.extend({ defaultProps: { size: "sm" } }),
    Textarea: Textarea.extend({ defaultProps: { size: "sm" } }),
    Select: Select.extend({
      defaultProps: { size: "sm", allowDeselect: false, comboboxProps: { shadow: "md" } },
    }),
    SegmentedControl: SegmentedControl.extend({ defaultProps: { size: "sm" } }),
    Checkbox: Checkbox.extend({ defaultProps: { size: "xs" } }),
    Switch: Switch.extend({ defaultProps: { size: "sm", withThumbIndicator: false } }),
    Skeleton: Skeleton.extend({ defaultProps: { animate: true } }),
  },
});

/** Points Mantine's own variables at ours, so that both schemes are told in one place. */
export const variables: CSSVariablesResolver = () => {
  const shared = {
    "--mantine-color-body": "var(--panel)",
    "--mantine-color-text": "var(--text)",
    "--mantine-color-dimmed": "var(--text-2)",
    "--mantine-color-placeholder": "var(--text-3)",
    "--mantine-color-default": "var(--raised)",
    "--mantine-color-default-hover": "var(--raised-2)",
    "--mantine-color-default-color": "var(--text)",
    "--mantine-color-default-border": "var(--line)",
    "--mantine-color-anchor": "var(--accent)",
    "--mantine-color-error": "var(--danger)",
    "--mantine-primary-color-filled": "var(--accent-fill)",
    "--input-height-sm": "28px",
  };
  return { variables: {}, dark: shared, light: shared };
};
