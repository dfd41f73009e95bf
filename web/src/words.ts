// What the page says, in its language, and where it says it.
import type { About } from "./about";
import { problemOf } from "./problem";

export const find = <T extends Element = HTMLElement>(selector: string): T => document.querySelector<T>(selector)!;
export const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(selector)];
export const asked = new URLSearchParams(location.search);
export const digits = (z: number): string => (z < 10 ? z.toFixed(2) : z.toFixed(1));

let texts: About["texts"] = {};
let language = asked.get("lang") ?? (navigator.language.startsWith("zh") ? "zh" : "en");

/** The sentence of a key, its blanks filled. */
export function t(key: string, values: Record<string, string | number> = {}): string {
  const sentence = texts[language]?.[key] ?? texts.en[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (_, blank: string) => String(values[blank] ?? ""));
}

export function status(text: string): void {
  find("#status").textContent = text;
}

export function complain(error: unknown): void {
  const { key, values } = problemOf(error);
  find("#error").textContent = t(`web.${key}`, { ...values, name: values.name || t("view.photo") });
  find("#error").hidden = false;
}

/** Labels everything; again, in the other language. */
export function label(next: About["texts"] | "other language"): void {
  if (next === "other language") language = language === "en" ? "zh" : "en";
  else texts = next;
  document.documentElement.lang = language;
  all("[data-t]").forEach((node) => (node.textContent = t(node.dataset.t!)));
  find("#depth").setAttribute("aria-label", t("view.canvas"));
  all("#examples button").forEach((node) => node.setAttribute("aria-label", `${t("photo_box.examples")}: ${node.dataset.name}`));
}
