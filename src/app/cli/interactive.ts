import { appendFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface, type Interface } from 'node:readline';
import { KEY_TYPE_NAMES } from './keygen.js';

const MAX_HISTORY = 500;

/** Words that may follow; the key is what stands before the cursor's word. */
const FOLLOWING: Readonly<Record<string, readonly string[]>> = {
  add: ['peer', 'pool', 'server'],
  allow: ['all'],
  authdata: ['-a', '-v'],
  clients: ['-k', '-p', '-r'],
  cmdallow: ['all'],
  cmddeny: ['all'],
  deny: ['all'],
  dns: ['+n', '-4', '-46', '-6', '-n'],
  local: ['activate', 'distance', 'off', 'orphan', 'stratum', 'waitsynced', 'waitunsynced'],
  manual: ['delete', 'list', 'off', 'on', 'reset'],
  reload: ['sources'],
  reset: ['sources'],
  selectdata: ['-a', '-v'],
  selectopts: ['+noselect', '+prefer', '+require', '+trust', '-noselect', '-prefer', '-require', '-trust'],
  smoothtime: ['activate', 'reset'],
  sources: ['-a', '-v'],
  sourcestats: ['-a', '-v'],
};

/** What the word before the cursor may become, and that word (as node:readline wants it). */
export const completions = (line: string, commands: readonly string[]): [string[], string] => {
  const words = line.trimStart().split(/\s+/);
  const last = words.at(-1) ?? '';
  if (words.length <= 1) return [commands.filter((name) => name.startsWith(last)), last];
  const [name = ''] = words;
  const candidates =
    name === 'help'
      ? commands
      : name === 'keygen'
        ? words.length === 3
          ? KEY_TYPE_NAMES
          : []
        : (FOLLOWING[name] ?? []);
  return [candidates.filter((word) => word.startsWith(last)), last];
};

/** `$XDG_STATE_HOME/timeball/history`; undefined: there is no home to keep it in. */
const historyFile = (): string | undefined => {
  const state = process.env['XDG_STATE_HOME'];
  const home = process.env['HOME'] === '' ? '' : homedir();
  if (state?.startsWith('/')) return join(state, 'timeball', 'history');
  return home === '' || home === '/' ? undefined : join(home, '.local', 'state', 'timeball', 'history');
};

/** Newest first, as node:readline takes it. */
const readHistory = (path: string | undefined): string[] => {
  try {
    const lines =
      path === undefined
        ? []
        : readFileSync(path, 'utf8')
            .split('\n')
            .filter((line) => line !== '');
    // The file is cut when it is read, so that it does not grow for ever.
    if (path !== undefined && lines.length > 2 * MAX_HISTORY) {
      writeFileSync(path, `${lines.slice(-MAX_HISTORY).join('\n')}\n`, { mode: 0o600 });
    }
    return lines.slice(-MAX_HISTORY).reverse();
  } catch {
    return [];
  }
};

const remember = (path: string, line: string): void => {
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    appendFileSync(path, `${line}\n`, { mode: 0o600 });
  } catch {
    // A command is not worth less because nobody may write down that it was given.
  }
};

/** Lines typed at a terminal, with a prompt, completion by TAB and a history that lasts. */
export async function* typedLines(prompt: string, commands: readonly string[]): AsyncGenerator<string> {
  const path = historyFile();
  const terminal: Interface = createInterface({
    input: process.stdin,
    output: process.stdout,
    prompt,
    completer: (line: string) => completions(line, commands),
    history: readHistory(path),
    historySize: MAX_HISTORY,
    removeHistoryDuplicates: true,
  });
  terminal.on('SIGINT', () => terminal.close());
  let last = '';
  try {
    terminal.prompt();
    for await (const line of terminal) {
      const text = line.trim();
      if (text !== '' && text !== last && path !== undefined) remember(path, text);
      last = text;
      yield line;
      terminal.prompt();
    }
  } finally {
    terminal.close();
  }
}
