/** The language of responses (Accept-Language), stored for the next visit. */

import { createStore } from "zustand/vanilla";

export const LANGUAGES = { fi: "suomi", sv: "svenska", nb: "norsk bokmål", en: "English" } as const;
export type Language = keyof typeof LANGUAGES;

const KEY = "kierto:language";

export const language = createStore<Language>(() => known(localStorage.getItem(KEY)) ?? ofBrowser() ?? "en");

export function setLanguage(chosen: Language): void {
  localStorage.setItem(KEY, chosen);
  language.setState(chosen, true);
}

function ofBrowser(): Language | undefined {
  return navigator.languages.map((tag) => known(tag.split("-")[0])).find(Boolean);
}

function known(tag: string | null | undefined): Language | undefined {
  return tag && tag in LANGUAGES ? (tag as Language) : undefined;
}
