/** A report's values described once, written as chronyc's text, as its CSV, or as JSON. */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** A piece of a line: text alone is a label; with a key it is a value. */
export interface Cell {
  readonly text: string;
  readonly csv?: string;
  readonly key?: string;
  readonly json?: Json;
}

export type Row = readonly Cell[];

export type Mode = 'text' | 'csv' | 'json';

export const label = (text: string): Cell => ({ text });

/** A value: its text, its CSV (the same unless told) and its JSON. */
export const cell = (key: string, json: Json, text: string, csv = text.trim()): Cell => ({ text, csv, key, json });

/** A value that only programs see. */
export const hidden = (key: string, json: Json): Cell => ({ text: '', key, json });

/** The wire carries 25 bits: eight digits hold them all, without the noise of their binary form. */
const tidy = (json: Json): Json =>
  typeof json === 'number' && !Number.isInteger(json) ? Number(json.toPrecision(8)) : json;

export const toObject = (row: Row): Json =>
  Object.fromEntries(
    row.flatMap(({ key, json }) => (key === undefined || json === undefined ? [] : [[key, tidy(json)]])),
  );

/** One row as its line of text or CSV. */
export const toLine = (row: Row, mode: 'text' | 'csv'): string =>
  mode === 'text'
    ? `${row.map(({ text }) => text).join('')}\n`
    : `${row.flatMap(({ csv }) => (csv === undefined ? [] : [csv])).join(',')}\n`;
