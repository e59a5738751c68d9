import { z } from 'zod'
import { RELEASE } from '../kernel/release.js'
import type { Clock } from '../kernel/time.js'
import { demandHonest, type RaceOptions, type RaceVerdict, raceCreateIfAbsent } from '../lake/doctor.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import type { Environment } from './lake-address.js'
import { openStore } from './open-store.js'
import { isSingleWriter, parseLakeAddress } from './parse-lake-address.js'

/** A race that is enough for a verdict on record: some 60 requests, well below a second on most services. */
export const RECORD_RACE = { racers: 8, rounds: 2 } as const
/** How long a verdict is good for: a service may be exchanged or updated behind its address. */
const VERDICT_DAYS = 30
const DAY_MS = 24 * 3_600_000
/** The last verdict on the store of a lake: a hint, by plain put. Lost or torn, the store is raced again. */
export const VERDICT_FILE = 'doctor/verdict.json'
/** Stands for the endpoint that the SDK chooses. */
const AWS = 'aws'

const StoreVerdict = z.object({
  formatVersion: z.literal(1),
  address: z.string(),
  endpoints: z.array(z.string()).nonempty(),
  passed: z.boolean(),
  racedAt: z.iso.datetime(),
  release: z.string(),
  racers: z.int().positive(),
  rounds: z.int().positive(),
  reasons: z.array(z.string()),
})
/** What is on record of a store's create-if-absent. */
export type StoreVerdict = z.infer<typeof StoreVerdict>

/** A lake, and how its store is opened; `open` is {@link openStore} unless a test says otherwise. */
export interface StorePlace {
  /** As {@link openStore} takes it. */
  readonly lake: string
  readonly env: Environment
  readonly clock: Clock
  readonly open?: (address: string, env: Environment) => Promise<ObjectStore>
}

/**
 * Refuses a bucket that several writers must not share, before anything is written to it. A verdict on record decides when it is of
 * this address and endpoint and at most 30 days old; else the store is raced, and that is put on record. A folder is honest
 * by `link()` and costs nothing; neither does a lake of which `singleWriter` says that nobody else writes to it.
 * @throws WardbookError 'store-lies', 'bad-lake-address' (fix-config), and what the store throws
 */
export async function demandHonestStore(place: StorePlace, singleWriter: boolean): Promise<void> {
  const { lake, env, clock } = place
  if (parseLakeAddress(lake, env).kind === 'folder' || singleWriter || isSingleWriter(env)) return
  const store = await openAsMain(place)
  const known = await findVerdict(store, endpointsOf(place), clock())
  demandHonest(known ?? (await raceAndRecord(place, RECORD_RACE)))
}

/** Races a lake's store, and puts the verdict on record where the lake is a bucket. @throws what the store throws */
export async function raceAndRecord(place: StorePlace, options: RaceOptions): Promise<RaceVerdict> {
  const verdict = await raceStore(place, options)
  const { passed, address, racers, rounds, reasons } = verdict
  const isEnough = racers >= RECORD_RACE.racers && rounds.length >= RECORD_RACE.rounds
  if (parseLakeAddress(place.lake, place.env).kind === 's3' && (isEnough || !passed)) {
    const record: StoreVerdict = {
      ...{ formatVersion: 1, address, endpoints: endpointsOf(place, options.endpoints), passed },
      ...{ racedAt: place.clock().toISOString(), release: RELEASE },
      ...{ racers, rounds: rounds.length, reasons: [...reasons] },
    }
    await (await openAsMain(place)).put(VERDICT_FILE, new TextEncoder().encode(`${JSON.stringify(record)}\n`))
  }
  return verdict
}

/** Races a lake's store; nothing is put on record. @throws what the store throws */
export function raceStore(place: StorePlace, options: RaceOptions): Promise<RaceVerdict> {
  return raceCreateIfAbsent((endpoint) => openAsMain(place, endpoint), options)
}

/** The verdict on record, when it is of this store and not too old. */
async function findVerdict(
  store: ObjectStore,
  [endpoint = AWS]: readonly string[],
  now: Date,
): Promise<StoreVerdict | undefined> {
  const verdict = parseVerdict(await store.get(VERDICT_FILE))
  if (verdict === undefined || verdict.address !== store.address) return undefined
  const ageMs = Math.abs(now.getTime() - Date.parse(verdict.racedAt))
  return verdict.endpoints.includes(endpoint) && ageMs <= VERDICT_DAYS * DAY_MS ? verdict : undefined
}

function parseVerdict(bytes: Uint8Array | undefined): StoreVerdict | undefined {
  try {
    return bytes && StoreVerdict.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch {
    return undefined // a hint: torn, or of another release
  }
}

async function openAsMain(
  { lake, env, open = openStore }: StorePlace,
  endpoint?: string,
): Promise<ObjectStore> {
  const given = endpoint === undefined ? env : { ...env, WARDBOOK_S3_ENDPOINT: endpoint }
  return scopeTo('main', await open(lake, given))
}

function endpointsOf({ lake, env }: StorePlace, raced: readonly string[] = []): [string, ...string[]] {
  const [first, ...more] = raced
  if (first !== undefined) return [first, ...more]
  const place = parseLakeAddress(lake, env)
  return [(place.kind === 's3' ? place.settings.endpoint : undefined) ?? AWS]
}
