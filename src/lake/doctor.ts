import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WardbookError } from '../kernel/errors.js'
import type { ObjectStore } from './store.js'

/** How hard a store is tried. */
export interface RaceOptions {
  /** Writers at a time, default 16. More find rarer lies and cost more requests. */
  readonly racers?: number
  /** Races, each for a new name, default 3: one race may by chance run one after the other. */
  readonly rounds?: number
  /** Ways to the same store, dealt out to the racers in turn; default: the one that `open` chooses. */
  readonly endpoints?: readonly string[]
  /** Folder of the names that are raced for, removed afterwards where that is allowed. */
  readonly folder?: string
  /** Whether racers bring files; default false: bytes. A bucket opened with `multipartBytes` of 1 gets them in parts. */
  readonly asFiles?: boolean
}

/** One race, as it ended. */
export interface RaceRound {
  readonly key: string
  /** How many were told 'created'; honest is 1. */
  readonly winners: number
  /** How many could read the bytes of the first winner afterwards; honest is all. */
  readonly agreeing: number
  /** What a further create of the name was told. */
  readonly second: 'created' | 'exists'
  /** Whether the first winner's bytes stood after that. */
  readonly kept: boolean
}

/** What the races showed. */
export interface RaceVerdict {
  readonly passed: boolean
  readonly address: string
  readonly racers: number
  readonly endpoints: readonly string[]
  readonly rounds: readonly RaceRound[]
  /** In words, what was wrong; empty when passed. */
  readonly reasons: readonly string[]
}

const DEFAULT_RACERS = 16
const DEFAULT_ROUNDS = 3

/**
 * Finds out whether create-if-absent of a store is honest: many writers race for a name, exactly one may win,
 * all must then read the winner's bytes, and a later create must say 'exists' and change nothing.
 * A pass is no proof: it is the evidence that a few dozen races give.
 * @param open a new store without scope, for each racer; with `endpoints`, on the one that is given
 * @throws what the store throws: a store that cannot be reached has no verdict
 * @see stores that failed it: rustfs #1659 (several endpoints), MinIO #21603, emulators that ignore the header
 */
export async function raceCreateIfAbsent(
  open: (endpoint?: string) => Promise<ObjectStore>,
  options: RaceOptions = {},
): Promise<RaceVerdict> {
  const { racers = DEFAULT_RACERS, rounds = DEFAULT_ROUNDS, endpoints = [], folder = 'doctor' } = options
  const create = options.asFiles ? createFromFile : createFromBytes
  const stores: ObjectStore[] = []
  for (let racer = 0; racer < racers; racer++) stores.push(await open(endpoints[racer % endpoints.length]))
  const run: RaceRound[] = []
  for (let round = 0; round < rounds; round++)
    run.push(await raceOnce(stores, `${folder}/${randomUUID()}`, create))
  const reasons = run.flatMap((round) => reasonsOf(round, racers))
  const address = stores[0]?.address ?? ''
  return { passed: reasons.length === 0, address, racers, endpoints, rounds: run, reasons }
}

/**
 * Refuses a store that several writers must not share.
 * @throws WardbookError 'store-lies' (fix-config)
 */
export function demandHonest(
  verdict: Pick<RaceVerdict, 'passed' | 'address' | 'racers' | 'endpoints' | 'reasons'>,
): void {
  if (verdict.passed) return
  const { address, reasons, racers, endpoints } = verdict
  const message =
    `${address} does not keep create-if-absent: ${reasons.join('; ')}. Two writers would destroy each other's work: use another ` +
    'store, or --single-writer if nobody else ever writes; after a change of the service, wardbook doctor looks again'
  throw new WardbookError('store-lies', 'fix-config', message, { address, racers, endpoints, reasons })
}

type Create = (store: ObjectStore, key: string, bytes: Uint8Array) => Promise<'created' | 'exists'>

const createFromBytes: Create = (store, key, bytes) => store.createIfAbsent(key, bytes)
const createFromFile: Create = async (store, key, bytes) => {
  const scratch = await store.scratch()
  try {
    const file = join(scratch.folder, 'racer')
    await writeFile(file, bytes)
    return await store.createIfAbsent(key, { file })
  } finally {
    await scratch.remove()
  }
}

async function raceOnce(stores: readonly ObjectStore[], key: string, create: Create): Promise<RaceRound> {
  const bytesOf = (racer: number) => new TextEncoder().encode(`racer ${racer} of ${key}`)
  const outcomes = await Promise.all(stores.map((store, racer) => create(store, key, bytesOf(racer))))
  const first = outcomes.indexOf('created')
  const agreeing = await countReading(stores, key, bytesOf(first))
  const second = await create(stores[0] as ObjectStore, key, bytesOf(stores.length))
  const kept = (await countReading(stores, key, bytesOf(first))) === stores.length
  await stores[0]?.delete(key).catch(() => undefined) // a hardened bucket forbids it; the object is harmless
  return { key, winners: outcomes.filter((outcome) => outcome === 'created').length, agreeing, second, kept }
}

async function countReading(stores: readonly ObjectStore[], key: string, bytes: Uint8Array): Promise<number> {
  const read = await Promise.all(stores.map((store) => store.get(key)))
  return read.filter((found) => found !== undefined && Buffer.compare(found, bytes) === 0).length
}

function reasonsOf({ key, winners, agreeing, second, kept }: RaceRound, racers: number): string[] {
  return [
    ...(winners === 1 ? [] : [`${winners} of ${racers} racers were told that they created '${key}'`]),
    ...(agreeing === racers ? [] : [`${agreeing} of ${racers} racers read the winner's bytes of '${key}'`]),
    ...(second === 'exists' ? [] : [`a create of '${key}', which existed, was told 'created'`]),
    ...(kept ? [] : [`a create of '${key}', which existed, replaced its bytes`]),
  ]
}
