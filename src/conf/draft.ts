import type { Config } from './config.js';
import { type ConfigContext, defaultConfig } from './defaults.js';

type Field<T> = T extends readonly (infer U)[] ? U[] : T extends ReadonlySet<infer U> ? Set<U> : T;
type Section<T> = T extends readonly (infer U)[]
  ? U[]
  : T extends object
    ? { -readonly [K in keyof T]: Field<T[K]> }
    : T;

/** A configuration while it is being read. */
export type Draft = { -readonly [K in keyof Config]: Section<Config[K]> };

const copyField = (value: unknown): unknown => {
  if (Array.isArray(value)) return [...value];
  return value instanceof Set ? new Set(value) : value;
};

const copySection = (value: unknown): unknown => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return copyField(value);
  return Object.fromEntries(Object.entries(value).map(([key, field]) => [key, copyField(field)]));
};

/** The defaults, in a form that directives may write to without touching the shared default objects. */
export const newDraft = (context: ConfigContext): Draft => {
  const entries = Object.entries(defaultConfig(context));
  return Object.fromEntries(entries.map(([key, section]) => [key, copySection(section)])) as Draft;
};
