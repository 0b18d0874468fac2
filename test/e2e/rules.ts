/** Rules that hold on every page, checked inside the browser: names of controls, sizes, contrast, looks. */
import type { Page } from "playwright-core";

/** Controls that a screen reader would announce without a name. */
export function namelessControls(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const controls =
      "a[href], button, input, select, textarea, [role=button], [role=slider], [role=tab], [role=option], [role=menuitem], [role=radio], [role=checkbox], [role=switch], [role=meter], [role=progressbar], [role=listbox], [role=grid], [role=dialog], [tabindex='0']";
    const textOf = (element: Element): string =>
      [...element.querySelectorAll("[aria-label]")]
        .map((each) => each.getAttribute("aria-label"))
        .join(" ") + (element.textContent ?? "");
    const nameOf = (element: Element): string => {
      const by = element.getAttribute("aria-labelledby");
      if (by !== null)
        return by
          .split(" ")
          .map((id) => document.getElementById(id)?.textContent ?? "")
          .join(" ");
      const own = element.getAttribute("aria-label") ?? "";
      if (own !== "") return own;
      const labels =
        "labels" in element ? [...((element.labels as NodeListOf<HTMLElement> | null) ?? [])] : [];
      const label = labels.map((each) => each.textContent ?? "").join(" ");
      return label.trim() !== ""
        ? label
        : element.matches("input, select, textarea")
          ? ""
          : textOf(element);
    };
    return [...document.querySelectorAll(controls)]
      .filter(
        (element) =>
          element.closest("[aria-hidden=true], [hidden], .mantine-ScrollArea-root > *") === null ||
          element.matches("input:not([hidden])"),
      )
      .filter(
        (element) => element.closest("[aria-hidden=true]") === null && element.checkVisibility(),
      )
      .filter((element) => nameOf(element).trim() === "")
      .map((element) => element.outerHTML.slice(0, 160));
  });
}

/** What is wider than the window or lies outside of it. */
export function overflowing(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const found: string[] = [];
    if (document.documentElement.scrollWidth > window.innerWidth)
      found.push("the page scrolls sideways");
    for (const element of document.querySelectorAll(
      "main, header, nav, aside, .workspace-foot, button, input, [role=slider]",
    )) {
      if (
        !element.checkVisibility() ||
        element.closest("[aria-hidden=true], .strip, .profile") !== null
      )
        continue;
      const { left, right, width } = element.getBoundingClientRect();
      if (width > 0 && (left < -1 || right > window.innerWidth + 1))
        found.push(`${Math.round(left)}..${Math.round(right)}: ${element.outerHTML.slice(0, 120)}`);
      if (element.matches("main, aside, header") && element.scrollWidth > element.clientWidth + 1)
        found.push(
          `${element.scrollWidth} in ${element.clientWidth}: ${element.outerHTML.slice(0, 120)}`,
        );
    }
    return found;
  });
}

/** Every way in which something on the page is drawn, as text: two visits of one page must not differ. */
export async function looks(page: Page): Promise<string[]> {
  const all = await page.evaluate(() =>
    [...document.querySelectorAll("main *, aside *, header *, nav *")]
      .filter((element) => element.checkVisibility() && element.closest("svg") === null)
      .map((element) => {
        const { display, padding, fontSize, color, backgroundColor, borderRadius, gap } =
          getComputedStyle(element);
        return `${element.tagName}.${element.className} ${display} ${padding} ${fontSize} ${color} ${backgroundColor} ${borderRadius} ${gap}`;
      }),
  );
  return [...new Set(all)].toSorted();
}

/** The element that has the focus, and whether anything on or around it says so; null where none has it. */
export function focused(page: Page): Promise<{ what: string; marked: boolean } | null> {
  return page.evaluate(() => {
    const element = document.activeElement;
    if (element === null || element === document.body) return null;
    const probe = document.createElement("span");
    probe.style.color = "var(--accent)";
    document.body.append(probe);
    const accent = getComputedStyle(probe).color;
    probe.remove();
    const around = [
      element,
      element.parentElement,
      element.nextElementSibling,
      element.firstElementChild,
    ];
    const marked = around.some((each) => {
      if (each === null) return false;
      const { outlineStyle, outlineWidth, borderTopColor } = getComputedStyle(each);
      const outlined = outlineStyle !== "none" && outlineWidth !== "0px";
      return outlined || borderTopColor === accent;
    });
    return { what: element.outerHTML.slice(0, 120), marked };
  });
}

type Colour = readonly [number, number, number];

/** WCAG 2.2, 1.4.3: relative luminance and the ratio of two. */
function luminance([red, green, blue]: Colour): number {
  const [r = 0, g = 0, b = 0] = [red, green, blue].map((value) => {
    const share = value / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

export function contrast(one: Colour, other: Colour): number {
  const [light = 0, dark = 0] = [luminance(one), luminance(other)].toSorted((a, b) => b - a);
  return (light + 0.05) / (dark + 0.05);
}

/** Values of CSS variables as the browser resolves them. */
export async function colours(page: Page, names: readonly string[]): Promise<Map<string, Colour>> {
  const resolved = await page.evaluate((list) => {
    const probe = document.createElement("span");
    document.body.append(probe);
    const values = list.map((name) => {
      probe.style.color = `var(${name})`;
      return getComputedStyle(probe).color;
    });
    probe.remove();
    return values;
  }, names);
  return new Map(
    names.map((name, at) => {
      const numbers = (resolved[at] ?? "").match(/[\d.]+/g)?.map(Number) ?? [];
      return [name, [numbers[0] ?? NaN, numbers[1] ?? NaN, numbers[2] ?? NaN]];
    }),
  );
}

/** Texts on the page that are too faint against what lies behind them. */
export function faintTexts(
  page: Page,
): Promise<{ text: string; one: Colour; other: Colour; size: number }[]> {
  return page.evaluate(() => {
    const numbers = (value: string): number[] => value.match(/[\d.]+/g)?.map(Number) ?? [];
    const over = (top: number[], below: number[]): number[] => {
      const alpha = top[3] ?? 1;
      return [0, 1, 2].map((at) => (top[at] ?? 0) * alpha + (below[at] ?? 0) * (1 - alpha));
    };
    const behind = (element: Element | null): number[] => {
      if (element === null) return [255, 255, 255];
      const own = numbers(getComputedStyle(element).backgroundColor);
      return (own[3] ?? 1) >= 1 ? own : over(own, behind(element.parentElement));
    };
    const found: {
      text: string;
      one: [number, number, number];
      other: [number, number, number];
      size: number;
    }[] = [];
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const element = walker.currentNode.parentElement;
      const text = walker.currentNode.textContent?.trim() ?? "";
      if (element === null || text === "" || !element.checkVisibility({ opacityProperty: true }))
        continue;
      if (element.closest("svg, :disabled, [data-disabled], [aria-disabled=true]") !== null)
        continue;
      const style = getComputedStyle(element);
      const [or = 0, og = 0, ob = 0] = behind(element);
      const [r = 0, g = 0, b = 0] = over(numbers(style.color), [or, og, ob]);
      found.push({
        text: text.slice(0, 40),
        one: [r, g, b],
        other: [or, og, ob],
        size: Number.parseFloat(style.fontSize),
      });
    }
    return found;
  });
}
