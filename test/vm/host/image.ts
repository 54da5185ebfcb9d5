/** What the machine starts from: the kernel module and a file system in memory with the product, the peer and Node. */
import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { repoRoot } from '../../support/peers.js';
import type { KernelName } from '../scenario.js';
import { Archive } from './cpio.js';

export interface Image {
  readonly kernel: string;
  readonly initrd: string;
  readonly qemu: string;
  /** The prefix of the emulator's libraries and firmware. */
  readonly prefix: string;
}

const LAB = join(repoRoot, 'test', 'vm');
const OWN_MODULES = ['truetime', 'truewire'];
const MODULES = ['pps-ldisc'];
/** This host's, which may be older than the one that built the kernel; type information (BTF) needs a tool more. */
const OWN_COMPILER = ['CC=gcc', 'CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT=', 'CONFIG_DEBUG_INFO_BTF_MODULES='];

const peers = (): string => process.env['TIMEBALL_PEERS'] ?? join(repoRoot, '.peers');
const peerTree = (): string => join(peers(), 'chrony-trixie', 'tree');
export const labPrefix = (): string => join(peers(), 'vm');
const ptpPrograms = (): string => join(peers(), 'linuxptp', 'usr', 'sbin');

/** Where a kernel is unpacked: the lab's own, or the newer one that some scenarios need. */
const kernelPrefix = (kernel: KernelName): string => (kernel === 'next' ? join(labPrefix(), 'next') : labPrefix());

/** Why there can be no lab on this machine; undefined when there can. */
export const missing = (): string | undefined => {
  if (process.arch !== 'x64') return 'the lab is an x86-64 machine';
  if (!existsSync(join(labPrefix(), '.complete'))) return 'no QEMU and kernel here: scripts/install-lab fetches them';
  if (!existsSync(peerTree())) return 'no chrony 4.6 here: scripts/install-peers fetches it';
  if (!existsSync(ptpPrograms())) return 'no linuxptp here: scripts/install-peers fetches it';
  return undefined;
};

/** Why there is no such kernel, beside the lab's own. */
export const missingKernel = (kernel: KernelName): string | undefined =>
  kernel === 'lab' || existsSync(join(kernelPrefix(kernel), '.complete'))
    ? undefined
    : 'no newer kernel here: scripts/install-lab fetches it';

const run = (program: string, ...args: string[]): string =>
  execFileSync('nice', ['-n', '10', program, ...args], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] });

/** The lab's own modules, built; their folder. */
const buildModules = (work: string, headers: string): string => {
  const folder = join(work, 'module');
  rmSync(folder, { recursive: true, force: true });
  cpSync(join(LAB, 'module'), folder, { recursive: true });
  run('make', '-s', '-C', headers, `M=${folder}`, ...OWN_COMPILER, 'modules');
  return folder;
};

/** Libraries and loader of a program of this machine, by the names it asks for. */
const libraries = (program: string): string[] =>
  [...run('ldd', program).matchAll(/(\/\S+) \(0x/g)].map(([, path]) => path!);

/** Packages that run, in the order npm names them. */
const packages = (): string[] =>
  execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { cwd: repoRoot, encoding: 'utf8' })
    .split('\n')
    .filter((path) => path.startsWith(`${repoRoot}/node_modules/`))
    .map((path) => path.slice(repoRoot.length + 1));

const runs = (path: string): boolean => !/\.(map|d\.ts|md|tsbuildinfo)$/.test(path);

const addProduct = (archive: Archive): void => {
  for (const path of [
    'bin',
    'package.json',
    'dist/src',
    'dist/test/vm',
    'build/Release/timeball.node',
    ...packages(),
  ]) {
    archive.add(`/timeball/${path}`, join(repoRoot, path), runs);
  }
};

const addPeer = (archive: Archive): void => {
  const tree = peerTree();
  const lib = join(tree, 'usr/lib/x86_64-linux-gnu');
  archive.add('/peer/lib', lib);
  archive.addTarget('/peer/ld.so', realpathSync(join(lib, 'ld-linux-x86-64.so.2')));
  archive.add('/peer/chronyd', join(tree, 'usr/sbin/chronyd'));
  archive.add('/peer/chronyc', join(tree, 'usr/bin/chronyc'));
  for (const name of ['ptp4l', 'pmc']) archive.add(`/peer/${name}`, join(ptpPrograms(), name));
};

/** A module of the kernel's package, unpacked. */
const addModule = (archive: Archive, work: string, modules: string, name: string): void => {
  const packed = run('find', modules, '-name', `${name}.ko*`).trim().split('\n')[0]!;
  const plain = join(work, `${name}.ko`);
  run('sh', '-c', `case ${packed} in *.xz) xz -dc ${packed} ;; *) cat ${packed} ;; esac > ${plain}`);
  archive.add(`/module/${name}.ko`, plain);
};

/** Builds all; `work` is a folder of one's own. */
export const buildImage = (work: string, name: KernelName): Image => {
  mkdirSync(work, { recursive: true });
  const prefix = labPrefix();
  const version = readFileSync(join(kernelPrefix(name), 'version'), 'utf8').trim();
  const kernel = join(kernelPrefix(name), 'kernel');
  const initrd = join(work, 'initrd');
  const own = buildModules(work, join(kernel, 'usr/src', `linux-headers-${version}`));
  run('gcc', '-O2', '-static', '-o', join(work, 'seconds'), join(LAB, 'guest', 'seconds.c'));

  const archive = new Archive(initrd);
  archive.text('/init', readFileSync(join(LAB, 'guest', 'init'), 'utf8'), true);
  archive.text('/etc/passwd', 'root:x:0:0:root:/root:/bin/sh\n');
  archive.text('/etc/group', 'root:x:0:\n');
  archive.add('/bin/busybox', join(prefix, 'host/bin/busybox'));
  archive.addTarget('/usr/bin/node', realpathSync(process.execPath));
  for (const path of libraries(process.execPath)) archive.addTarget(path, realpathSync(path));
  archive.add('/seconds', join(work, 'seconds'));
  for (const name of OWN_MODULES) archive.add(`/module/${name}.ko`, join(own, `${name}.ko`));
  for (const name of MODULES) addModule(archive, work, kernel, name);
  addPeer(archive);
  addProduct(archive);
  archive.close();
  const places = [`boot/vmlinuz-${version}`, `usr/lib/modules/${version}/vmlinuz`].map((path) => join(kernel, path));
  return {
    kernel: places.find(existsSync)!,
    initrd,
    qemu: join(prefix, 'host/usr/bin/qemu-system-x86_64'),
    prefix: join(prefix, 'host'),
  };
};
