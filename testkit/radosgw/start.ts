import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { randomBytes, randomInt, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { cephConfig } from './config.js'

/** A real S3 service on loopback, with one user and no bucket. Its data are in memory and vanish at `stop`. */
export interface Radosgw {
  readonly endpoint: string
  readonly accessKey: string
  readonly secretKey: string
  stop(): Promise<void>
}

/** Debian packages with everything that is started here; no recommended package is needed. */
export const RADOSGW_PACKAGES = ['radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common'] as const

const BINARIES = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool'] as const
const START_LIMIT_MS = 90_000 // 12 to 25 s on a quiet machine
const STARTS = 3 // another program may take a port that was free a moment ago
/** Below the ports that Linux gives to outgoing connections, of which tests make many. */
const PORTS = { from: 20_000, to: 32_000 } as const
const STOP_LIMIT_S = 5 // a daemon that does not end by then is killed
const LIFE_LIMIT_S = 900
const ANSWER_LIMIT_MS = 5_000
const POLL_MS = 250
const run = promisify(execFile)

/** The programs that are missing here; empty when radosgw can be started. */
export function missingForRadosgw(): string[] {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return BINARIES.filter((name) => !folders.some((folder) => existsSync(join(folder, name))))
}

/** A suite's title, with the reason when it has to be skipped. */
export function titleWithRadosgw(title: string): string {
  return missingForRadosgw().length === 0 ? title : `${title} (skipped: radosgw is not installed)`
}

/**
 * Starts monitor, object store (in memory) and gateway in an empty temporary folder, on free loopback ports; 12 to 25 s, 150 MB.
 * Tried again with other ports when a part of it ends or does not come up.
 * @throws Error that names the packages to install, or the end of the log of what did not start
 */
export async function startRadosgw(): Promise<Radosgw> {
  const missing = missingForRadosgw()
  if (missing.length > 0)
    throw new Error(`${missing.join(', ')} missing: apt-get install ${RADOSGW_PACKAGES.join(' ')}`)
  for (let start = 1; ; start++) {
    const cluster = new Cluster(await mkdtemp(join(tmpdir(), 'wardbook-rgw-')))
    try {
      return await cluster.start(AbortSignal.timeout(START_LIMIT_MS))
    } catch (cause) {
      const log = await cluster.lastWords()
      await cluster.stop()
      const message = `radosgw did not start: ${(cause as Error).message}\n${log}`
      if (start === STARTS) throw new Error(message, { cause })
    }
  }
}

class Cluster {
  private readonly daemons: ChildProcess[] = []

  constructor(private readonly folder: string) {}

  async start(signal: AbortSignal): Promise<Radosgw> {
    const [monPort, gatewayPort] = await freePorts(2)
    const keys = { accessKey: randomBytes(10).toString('hex'), secretKey: randomBytes(20).toString('hex') }
    await this.prepare(monPort as number, gatewayPort as number)
    await this.startMonitor(monPort as number, signal)
    await this.startObjectStore(signal)
    this.daemon('radosgw', ['-n', 'client.rgw.a'])
    const endpoint = `http://127.0.0.1:${gatewayPort}`
    await this.untilAnswers(endpoint, signal)
    await this.addUser(keys, signal)
    return { endpoint, ...keys, stop: () => this.stop() }
  }

  /** Ends what was started here, newest first, and removes the folder. */
  async stop(): Promise<void> {
    for (const daemon of this.daemons.splice(0).reverse()) await end(daemon)
    await rm(this.folder, { recursive: true, force: true })
  }

  /** The last lines of every log. */
  async lastWords(): Promise<string> {
    const logs = join(this.folder, 'log')
    const names = await readdir(logs).catch(() => [])
    const words = await Promise.all(names.map((name) => readFile(join(logs, name), 'utf8').catch(() => '')))
    return words.map((text, index) => `${names[index]}: ${text.slice(-1_500)}`).join('\n')
  }

  private async prepare(monPort: number, gatewayPort: number): Promise<void> {
    for (const name of ['run', 'log', 'mon/a', 'osd/0', 'rgw/a'])
      await mkdir(join(this.folder, name), { recursive: true })
    const text = cephConfig({ folder: this.folder, fsid: randomUUID(), monPort, gatewayPort })
    await writeFile(this.config, text)
  }

  private async startMonitor(monPort: number, signal: AbortSignal): Promise<void> {
    const map = join(this.folder, 'monmap')
    const fsid = /fsid = (\S+)/.exec(await readFile(this.config, 'utf8'))?.[1] as string
    await this.command('monmaptool', ['--create', '--fsid', fsid, map], signal)
    await this.command('monmaptool', ['--addv', 'a', `v1:127.0.0.1:${monPort}`, map], signal)
    await this.ceph('ceph-mon', ['--mkfs', '-i', 'a', '--monmap', map], signal)
    this.daemon('ceph-mon', ['-i', 'a'])
  }

  private async startObjectStore(signal: AbortSignal): Promise<void> {
    const id = randomUUID()
    await this.ceph('ceph', ['osd', 'new', id], signal)
    await this.ceph('ceph-osd', ['-i', '0', '--mkfs', '--osd-uuid', id], signal)
    this.daemon('ceph-osd', ['-i', '0'])
  }

  private async addUser(
    { accessKey, secretKey }: Pick<Radosgw, 'accessKey' | 'secretKey'>,
    signal: AbortSignal,
  ): Promise<void> {
    const user = ['user', 'create', '--uid=ward', '--display-name=ward']
    const keys = [`--access-key=${accessKey}`, `--secret-key=${secretKey}`]
    await this.ceph('radosgw-admin', ['-n', 'client.rgw.a', ...user, ...keys], signal)
  }

  private get config(): string {
    return join(this.folder, 'ceph.conf')
  }

  private async ceph(program: string, parameters: readonly string[], signal: AbortSignal): Promise<void> {
    await this.command(program, ['-c', this.config, ...parameters], signal)
  }

  private async command(program: string, parameters: readonly string[], signal: AbortSignal): Promise<void> {
    await run(program, parameters, { signal, cwd: this.folder })
  }

  /**
   * A daemon in the foreground (`-f`) below coreutils' `timeout`: a child of ours with a known pid, which ends even if nobody
   * is left to stop it. Its words go to its log.
   */
  private daemon(program: string, parameters: readonly string[]): void {
    const limits = ['-k', String(STOP_LIMIT_S), String(LIFE_LIMIT_S)]
    const daemon = spawn('timeout', [...limits, program, '-f', '-c', this.config, ...parameters], {
      cwd: this.folder,
      stdio: 'ignore',
    })
    process.once('exit', () => daemon.kill('SIGTERM'))
    this.daemons.push(daemon)
  }

  private async untilAnswers(endpoint: string, signal: AbortSignal): Promise<void> {
    while (!(await isAnswering(endpoint))) {
      signal.throwIfAborted()
      const ended = this.daemons.find(hasEnded)
      if (ended !== undefined)
        throw new Error(`${ended.spawnargs.join(' ')} ended with code ${ended.exitCode}`)
      await sleep(POLL_MS)
    }
  }
}

function isAnswering(endpoint: string): Promise<boolean> {
  return fetch(endpoint, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) }).then(
    () => true,
    () => false,
  )
}

function hasEnded(daemon: ChildProcess): boolean {
  return daemon.exitCode !== null || daemon.signalCode !== null
}

async function end(daemon: ChildProcess): Promise<void> {
  if (hasEnded(daemon)) return
  const ended = new Promise((resolve) => daemon.once('exit', resolve))
  daemon.kill('SIGTERM') // `timeout` passes it on, and kills what does not listen
  await ended
}

async function freePorts(count: number): Promise<number[]> {
  const ports = new Set<number>()
  while (ports.size < count) {
    const port = randomInt(PORTS.from, PORTS.to)
    if (await isFree(port)) ports.add(port)
  }
  return [...ports]
}

function isFree(port: number): Promise<boolean> {
  const server = createServer()
  return new Promise((resolve) => {
    server.once('error', () => resolve(false))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)))
  })
}
