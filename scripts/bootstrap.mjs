#!/usr/bin/env node
/**
 * Makes a checkout ready to run: packages when the lock file changed, the addon and TypeScript incrementally.
 * Says plainly what is missing. Run by prestart, pretest and prebench; safe to run at any time.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const quiet = process.env.TIMEBALL_BOOTSTRAP_QUIET === '1';
const say = (text) => quiet || process.stderr.write(`timeball: ${text}\n`);
const fail = (text) => {
  process.stderr.write(`timeball: ${text}\n`);
  process.exit(1);
};

const run = (what, command, args, env = {}) => {
  const result = spawnSync(command, args, { cwd: root, encoding: 'utf8', env: { ...process.env, ...env } });
  if (result.error) fail(`${what}: cannot run ${command}: ${result.error.message}`);
  if (result.status !== 0) fail(`${what} failed:\n${result.stdout}${result.stderr}`);
};

/** Newest modification time below a path, ms; 0 when there is none. */
const newest = (path) => {
  if (!existsSync(path)) return 0;
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(0, ...readdirSync(path).map((name) => newest(join(path, name))));
};

const checkNode = () => {
  const major = Number(process.versions.node.split('.')[0]);
  if (major < 20) fail(`Node.js 20 or newer is needed, this is ${process.version}`);
  if (process.platform !== 'linux') fail(`timeball runs on Linux, this is ${process.platform}`);
};

const installPackages = () => {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.timeball-lock');
  const hash = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === hash) return;
  say('installing packages (npm ci)');
  run('npm ci', 'npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error']);
  writeFileSync(stamp, hash);
};

const buildAddon = () => {
  const built = join(root, 'build', 'Release', 'timeball.node');
  const sources = Math.max(newest(join(root, 'addon')), newest(join(root, 'binding.gyp')));
  if (existsSync(built) && statSync(built).mtimeMs >= sources) return;
  const have = (tool) => spawnSync(tool, ['--version']).status === 0;
  const compiler = process.env.CXX ?? 'g++';
  const missing = [compiler, 'make', 'python3'].filter((tool) => !have(tool));
  if (missing.length > 0) {
    const prebuilds = join(root, 'prebuilds');
    if (existsSync(prebuilds)) return say(`no ${missing.join(', ')}: using the prebuilt addon`);
    fail(`the addon needs ${missing.join(', ')} to build (Debian: apt-get install g++ make python3)`);
  }
  say('building the native addon');
  // Headers beside the running node spare a download.
  const prefix = join(dirname(process.execPath), '..');
  const local = existsSync(join(prefix, 'include', 'node', 'node_api.h')) ? [`--nodedir=${prefix}`] : [];
  const gyp = join(root, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');
  const step = existsSync(join(root, 'build', 'Makefile')) ? ['build'] : ['configure', 'build'];
  run('building the addon', process.execPath, [gyp, ...step, '--release', ...local]);
};

const buildTypeScript = () => {
  const stamp = join(root, 'dist', '.built');
  const inputs = ['src', 'test', 'tsconfig.json', 'tsconfig.layer.json', 'package-lock.json'];
  const latest = Math.max(...inputs.map((path) => newest(join(root, path))));
  if (existsSync(stamp) && statSync(stamp).mtimeMs >= latest) return;
  say('compiling TypeScript');
  run('tsc', process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-b', 'tsconfig.json']);
  mkdirSync(dirname(stamp), { recursive: true });
  writeFileSync(stamp, '');
};

checkNode();
installPackages();
buildAddon();
buildTypeScript();
