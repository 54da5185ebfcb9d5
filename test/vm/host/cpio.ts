/** Archives as the kernel unpacks them at its start (cpio, "newc"). */
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync, writeSync } from 'node:fs';
import { posix } from 'node:path';

const FOLDER = 0o040755;
const FILE = 0o100644;
const PROGRAM = 0o100755;
const LINK = 0o120777;

const padded = (length: number): number => (4 - (length % 4)) % 4;

export class Archive {
  private readonly fd: number;
  private readonly folders = new Set(['.', '/']);
  private inode = 1;

  constructor(path: string) {
    this.fd = openSync(path, 'w');
  }

  text(name: string, content: string, program = false): void {
    this.put(name, program ? PROGRAM : FILE, Buffer.from(content));
  }

  /** A file, link or whole folder of this machine under a name in the archive; `wanted` chooses among a folder's files. */
  add(name: string, path: string, wanted: (path: string) => boolean = () => true): void {
    const stat = lstatSync(path);
    if (stat.isSymbolicLink()) this.put(name, LINK, Buffer.from(readlinkSync(path)));
    else if (stat.isDirectory()) for (const entry of readdirSync(path)) this.addEntry(name, path, entry, wanted);
    else this.put(name, (stat.mode & 0o111) === 0 ? FILE : PROGRAM, readFileSync(path));
  }

  /** What a link of this machine leads to, as a file. */
  addTarget(name: string, path: string): void {
    this.put(name, PROGRAM, readFileSync(path));
  }

  close(): void {
    this.entry('TRAILER!!!', 0, Buffer.alloc(0));
    closeSync(this.fd);
  }

  private addEntry(name: string, path: string, entry: string, wanted: (path: string) => boolean): void {
    const inner = `${path}/${entry}`;
    if (lstatSync(inner).isDirectory() || wanted(inner)) this.add(`${name}/${entry}`, inner, wanted);
  }

  private put(name: string, mode: number, content: Buffer): void {
    this.folder(posix.dirname(name));
    this.entry(name, mode, content);
  }

  private folder(name: string): void {
    if (this.folders.has(name)) return;
    this.folder(posix.dirname(name));
    this.folders.add(name);
    this.entry(name, FOLDER, Buffer.alloc(0));
  }

  private entry(name: string, mode: number, content: Buffer): void {
    const path = Buffer.from(`${name.replace(/^\//, '')}\0`);
    // inode, mode, uid, gid, links, mtime, size, device, device, rdevice, rdevice, length of the name, no sum
    const fields = [this.inode++, mode, 0, 0, 1, 0, content.length, 0, 0, 0, 0, path.length, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`;
    const gap = Buffer.alloc(padded(header.length + path.length));
    writeSync(this.fd, Buffer.concat([Buffer.from(header), path, gap]));
    if (content.length > 0) writeSync(this.fd, Buffer.concat([content, Buffer.alloc(padded(content.length))]));
  }
}
