import { mkdir, mkdtemp, readFile, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { asWardbookError } from '../kernel/errors.js'
import { OLDEST_NODE } from '../kernel/release.js'

/**
 * How a check ended. `fit`: as it must be. `unfit`: somebody has to change something. `unreachable`: no answer, try again.
 * `told`: worth knowing, and no reason to stop.
 */
export type CheckState = 'fit' | 'unfit' | 'unreachable' | 'told'

/** One line of the doctor. */
export interface Check {
  /** What was looked at, kebab-case: 'create-if-absent'. */
  readonly check: string
  readonly state: CheckState
  /** What was seen, with the values. */
  readonly message: string
  /** What to do about it, where the message does not say so. */
  readonly todo?: string
  readonly facts: Readonly<Record<string, unknown>>
}

/** What a check saw, without its name. */
export type Seen = Omit<Check, 'check' | 'facts'> & { readonly facts?: Check['facts'] }

/** What is known of this machine by asking it; tests answer in its place. */
export interface Machine {
  /** `major.minor.patch`. */
  readonly nodeVersion: string
  /** Runs a query that uses the engine's reader and its arithmetic. @returns the engine's version */
  query(scratchFolder: string): Promise<string>
  /** Bytes that this user may still write to the folder's volume. */
  freeBytes(folder: string): Promise<number>
}

/** A part of 256 MiB, read and written again, with what the engine spills meanwhile. */
const LEAST_FREE_BYTES = 2 ** 30
const QUERY_ANSWER = 5_050

/** The machine that this process runs on. The engine is loaded when it is asked: that it cannot be is an answer. */
export const thisMachine: Machine = {
  nodeVersion: process.versions.node,
  query: async (scratchFolder) => {
    const { LEAN, withEngine } = await import('../lake/duckdb/engine.js')
    const sql = 'SELECT sum(n)::INTEGER AS answer, version() AS version FROM range(1, 101) numbers(n)'
    type Row = { readonly answer: number; readonly version: string }
    const rows = await withEngine(LEAN, scratchFolder, (engine) => engine.rows<Row>(sql))
    if (rows[0]?.answer !== QUERY_ANSWER) throw new Error(`1 + … + 100 gave ${rows[0]?.answer}`)
    return rows[0].version
  },
  freeBytes: async (folder) => {
    const { bavail, bsize } = await statfs(folder)
    return bavail * bsize
  },
}

/** Looks at Node, the engine and the folder for intermediate files. */
export async function* checkMachine(machine: Machine, scratchFolder: string): AsyncIterable<Check> {
  yield await judge('node', async () => judgeNode(machine.nodeVersion))
  yield await judge(
    'scratch',
    () => judgeScratch(machine, scratchFolder),
    'name a folder that this user may write',
  )
  const reinstall = 'install wardbook again on this machine: the engine is built for one system and processor'
  yield await judge('engine', () => judgeEngine(machine, scratchFolder), reinstall)
}

/** Runs a check; what it throws is its result: what a repeat may cure is 'unreachable'. @param todo what helps then */
export async function judge(check: string, look: () => Promise<Seen>, todo?: string): Promise<Check> {
  try {
    const { state, message, todo, facts = {} } = await look()
    return { check, state, message, ...(todo ? { todo } : {}), facts }
  } catch (thrown) {
    const { code, remedy, message } = asWardbookError(thrown)
    const state = remedy === 'retry' ? 'unreachable' : 'unfit'
    return { check, state, message: firstLine(message), ...(todo ? { todo } : {}), facts: { code } }
  }
}

function judgeNode(version: string): Seen {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const [oldestMajor = 0, oldestMinor = 0] = OLDEST_NODE.split('.').map(Number)
  const isEnough = major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)
  const facts = { version, oldest: OLDEST_NODE }
  if (isEnough) return { state: 'fit', message: `Node ${version}`, facts }
  return {
    state: 'unfit',
    message: `Node ${version} is too old`,
    todo: `install Node ${OLDEST_NODE} or newer`,
    facts,
  }
}

async function judgeEngine(machine: Machine, scratchFolder: string): Promise<Seen> {
  const version = await inFolderOfOurs(scratchFolder, (folder) => machine.query(folder))
  return { state: 'fit', message: `DuckDB ${version} loads and counts right`, facts: { version } }
}

async function judgeScratch(machine: Machine, scratchFolder: string): Promise<Seen> {
  const written = 'the doctor was here'
  await inFolderOfOurs(scratchFolder, async (folder) => {
    const file = join(folder, 'written')
    await writeFile(file, written, { flush: true })
    if ((await readFile(file, 'utf8')) !== written) throw new Error(`${file} does not keep what is written`)
  })
  const freeBytes = await machine.freeBytes(scratchFolder)
  const facts = { folder: scratchFolder, freeBytes, leastFreeBytes: LEAST_FREE_BYTES }
  const message = `${scratchFolder} can be written, ${inGib(freeBytes)} are free`
  if (freeBytes >= LEAST_FREE_BYTES) return { state: 'fit', message, facts }
  const todo = `free some: at least ${inGib(LEAST_FREE_BYTES)} are needed`
  return { state: 'unfit', message, todo, facts }
}

async function inFolderOfOurs<Result>(
  parent: string,
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  await mkdir(parent, { recursive: true })
  const folder = await mkdtemp(join(parent, 'doctor-'))
  try {
    return await work(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function inGib(bytes: number): string {
  return `${(bytes / 2 ** 30).toFixed(1)} GiB`
}

function firstLine(message: string): string {
  return message.split('\n')[0] as string
}
