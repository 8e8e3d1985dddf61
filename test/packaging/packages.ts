// Packs the public packages as `npm publish` would, and installs them in a project of their own. What they depend on is
// packed from node_modules; what that depends on comes from npm's cache, and from the registry where it is not there.
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../../', import.meta.url));

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a program to its end; a non-zero exit code is a result, not an exception. */
export function run(command: string, args: readonly string[], cwd: string): Promise<Outcome> {
  return new Promise((done, failed) => {
    execFile(command, args, { cwd, maxBuffer: 16 * 1024 * 1024 }, (error, stdout, stderr) => {
      if (error && typeof error.code !== 'number') failed(error);
      else done({ code: Number(error?.code ?? 0), stdout, stderr });
    });
  });
}

async function npm(args: readonly string[], cwd: string): Promise<string> {
  const script = process.env['npm_execpath'];
  const quiet = [...args, '--loglevel=error'];
  const outcome = script?.endsWith('.js')
    ? await run(process.execPath, [script, ...quiet], cwd)
    : await run('npm', quiet, cwd);
  if (outcome.code !== 0) throw new Error(`npm ${args.join(' ')} failed:\n${outcome.stdout}${outcome.stderr}`);
  return outcome.stdout;
}

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly private?: boolean;
  readonly dependencies?: Record<string, string>;
  readonly [field: string]: unknown;
}

export interface Packed {
  /** Its folder in packages/. */
  readonly folder: string;
  readonly manifest: Manifest;
  /** The tarball's path. */
  readonly tarball: string;
  /** The paths in it. */
  readonly files: readonly string[];
}

async function pack(folder: string, destination: string): Promise<Omit<Packed, 'folder'>> {
  const manifest: Manifest = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
  const listing = JSON.parse(
    await npm(['pack', '--json', '--ignore-scripts', `--pack-destination=${destination}`, folder], ROOT),
  );
  // npm 12 gives an object by package name where those before it give an array.
  const [entry] = Array.isArray(listing) ? listing : Object.values(listing);
  const { filename, files } = entry as { filename: string; files: { path: string }[] };
  return {
    manifest,
    tarball: path.join(destination, path.basename(filename)),
    files: files.map((file) => file.path).sort(),
  };
}

/** How a project finds modules, and what else is there: by default, Node. */
export interface Resolution {
  readonly module: string;
  readonly moduleResolution: string;
  readonly lib?: readonly string[];
  readonly types?: readonly string[];
}

/** A project that has the packages installed, and what was packed for it. */
export class Installation {
  readonly folder: string;
  readonly packages: readonly Packed[];

  private constructor(folder: string, packages: readonly Packed[]) {
    this.folder = folder;
    this.packages = packages;
  }

  static async create(): Promise<Installation> {
    const folder = await mkdtemp(path.join(tmpdir(), 'pulsebeacon-packaging-'));
    const tarballs = path.join(folder, 'tarballs');
    await mkdir(tarballs);
    const packages: Packed[] = [];
    for (const name of (await readdir(path.join(ROOT, 'packages'))).sort()) {
      const packed = await pack(path.join(ROOT, 'packages', name), tarballs);
      if (packed.manifest.private !== true) packages.push({ folder: name, ...packed });
    }
    const own = new Set(packages.map(({ manifest }) => manifest.name));
    const others = new Set(packages.flatMap(({ manifest }) => Object.keys(manifest.dependencies ?? {})));
    const install = packages.map(({ tarball }) => tarball);
    for (const name of others) {
      if (!own.has(name)) install.push((await pack(path.join(ROOT, 'node_modules', name), tarballs)).tarball);
    }
    await writeFile(path.join(folder, 'package.json'), '{ "name": "consumer", "private": true }\n');
    await npm(['install', '--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', ...install], folder);
    // Node's own types are the consumer's to bring.
    await mkdir(path.join(folder, 'node_modules/@types'), { recursive: true });
    for (const name of ['@types/node', 'undici-types']) {
      await symlink(path.join(ROOT, 'node_modules', name), path.join(folder, 'node_modules', name), 'junction');
    }
    return new Installation(folder, packages);
  }

  find(name: string): Packed {
    const found = this.packages.find(({ manifest }) => manifest.name === name);
    if (!found) throw new Error(`${name} is not among the packages`);
    return found;
  }

  /** Reads a file of an installed package. */
  read(name: string, file: string): Promise<string> {
    return readFile(path.join(this.folder, 'node_modules', name, file), 'utf8');
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(path.join(this.folder, file), text);
  }

  node(...args: string[]): Promise<Outcome> {
    return run(process.execPath, args, this.folder);
  }

  /** Type-checks files of the project; the declarations of the packages too, which is what skipLibCheck would spare. */
  async typeCheck(module: Resolution, files: readonly string[]): Promise<Outcome> {
    const compilerOptions = {
      target: 'es2023',
      lib: ['ES2023'],
      types: ['node'],
      strict: true,
      noEmit: true,
      ...module,
    };
    const options = { ...compilerOptions, exactOptionalPropertyTypes: true, skipLibCheck: false };
    await this.write('tsconfig.json', JSON.stringify({ compilerOptions: options, files }));
    return run(process.execPath, [path.join(ROOT, 'node_modules/typescript/bin/tsc'), '-p', '.'], this.folder);
  }

  remove(): Promise<void> {
    return rm(this.folder, { recursive: true, force: true });
  }
}
