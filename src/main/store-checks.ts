import { randomUUID } from 'node:crypto'
import type { RaceOptions, RaceVerdict } from '../lake/doctor.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { LAKE_FILE } from './claim-lake.js'
import { type Check, judge, type Seen } from './machine-checks.js'
import { openStore } from './open-store.js'
import { parseLakeAddress } from './parse-lake-address.js'
import { RECORD_RACE, raceAndRecord, raceStore, type StorePlace } from './store-verdict.js'

/** A service refuses signatures that are 15 minutes off; so far, times of commits and findings are plainly wrong. */
const MAX_SKEW_MS = 5 * 60_000
/** Times in the answers of a bucket are whole seconds. */
const TIME_GRAIN_MS = 1_000

/** Where one of these fails, the checks behind it would fail too and tell nothing more. */
const NEEDED_BY_ALL: readonly string[] = ['reach', 'hard-links', 'rights']

type Look = readonly [check: string, look: () => Promise<Seen>, todo?: string]

/** Looks at a lake's store, check by check. Nothing stays but the verdict on a bucket. */
export async function* checkStore(place: StorePlace, race: RaceOptions): AsyncIterable<Check> {
  const isFolder = parseLakeAddress(place.lake, place.env).kind === 'folder'
  let store!: ObjectStore
  const reach = async () => {
    const { open = openStore } = place
    store = scopeTo('main', await open(place.lake, place.env))
    return judgeReach(store)
  }
  const looks: Look[] = [
    ['reach', reach, REACH_TODO],
    ...(isFolder ? ([['hard-links', () => judgeHardLinks(store)]] satisfies Look[]) : []),
    ['rights', () => judgeRights(store), RIGHTS_TODO],
    ['clock', () => judgeClock(store, place)],
    ['create-if-absent', () => judgeRace(place, race)],
  ]
  if (!isFolder) looks.push(['multipart', () => judgeUploads(place, race), UPLOADS_TODO])
  for (const [name, look, todo] of looks) {
    const check = await judge(name, look, todo)
    yield check
    if (check.state === 'unreachable' || (check.state === 'unfit' && NEEDED_BY_ALL.includes(name))) return
  }
}

const REACH_TODO = 'see whether the address and WARDBOOK_S3_ENDPOINT are right and the service runs'
const RIGHTS_TODO = 'see which rights a lake needs (docs/cli.md), or the owner and mode of the folder'
const UPLOADS_TODO =
  'a service without multipart uploads takes files up to 5 GiB with WARDBOOK_S3_MULTIPART_BYTES=5368709120'

/** A GET, as only its answer tells a bucket that is missing from an object that is. */
async function judgeReach(store: ObjectStore): Promise<Seen> {
  const isLake = (await store.get(LAKE_FILE)) !== undefined
  const { address } = store
  const message = `${address} answers; ${isLake ? 'there is a lake' : 'there is no lake yet'}`
  return { state: 'fit', message, facts: { address, isLake } }
}

/** In a folder, a create is a hard link. */
async function judgeHardLinks(store: ObjectStore): Promise<Seen> {
  await withProbe(store, (key, bytes) => store.createIfAbsent(key, bytes))
  return { state: 'fit', message: 'the file system has hard links' }
}

async function judgeRights(store: ObjectStore): Promise<Seen> {
  const seen = await withProbe(store, async (key, bytes) => {
    const created = await store.createIfAbsent(key, bytes)
    const isRead = Buffer.compare((await store.get(key)) ?? new Uint8Array(0), bytes) === 0
    const isListed = await isInList(store, key)
    await store.delete(key)
    const isDeleted = (await store.get(key)) === undefined
    return { create: created === 'created', read: isRead, list: isListed, delete: isDeleted }
  })
  const failed = Object.entries(seen).flatMap(([right, works]) => (works ? [] : [right]))
  if (failed.length === 0)
    return { state: 'fit', message: 'may create, read, list and delete', facts: { ...seen } }
  const message = `${failed.join(', ')} had no effect, and no error came`
  return { state: 'unfit', message, todo: 'use another store', facts: { ...seen } }
}

/** Works with a name of its own, and leaves no object there whatever happens, where deleting is allowed. */
async function withProbe<Result>(
  store: ObjectStore,
  work: (key: string, bytes: Uint8Array) => Promise<Result>,
): Promise<Result> {
  const key = `doctor/${randomUUID()}`
  try {
    return await work(key, new TextEncoder().encode(key))
  } finally {
    await store.delete(key).catch(() => undefined) // said by the check of rights
  }
}

async function isInList(store: ObjectStore, key: string): Promise<boolean> {
  for await (const listed of store.list(key)) if (listed.key === key) return true
  return false
}

/** An object's time is the store's clock; it lies between our clock before and after the write, or one of them is wrong. */
async function judgeClock(store: ObjectStore, { clock }: StorePlace): Promise<Seen> {
  const { before, storedAt, after } = await withProbe(store, async (key, bytes) => {
    const before = clock().getTime()
    await store.put(key, bytes)
    const after = clock().getTime()
    return { before, after, storedAt: (await store.stat(key))?.modifiedAt.getTime() ?? before }
  })
  const skewMs = Math.min(0, storedAt + TIME_GRAIN_MS - before) + Math.max(0, storedAt - after)
  const facts = { skewMs, maxSkewMs: MAX_SKEW_MS }
  if (Math.abs(skewMs) <= MAX_SKEW_MS) {
    const message =
      skewMs === 0
        ? "this machine's clock agrees with the store's"
        : `the clocks differ by ${inSeconds(skewMs)}`
    return { state: 'fit', message, facts }
  }
  const message = `the store's clock is ${inSeconds(skewMs)} ${skewMs > 0 ? 'ahead of' : 'behind'} this machine's`
  return { state: 'unfit', message, todo: 'set the clock of this machine (NTP)', facts }
}

async function judgeRace(place: StorePlace, race: RaceOptions): Promise<Seen> {
  const verdict = await raceAndRecord(place, race)
  const { passed, racers, rounds, reasons } = verdict
  const raced = `${rounds.length} races of ${racers} writers`
  if (passed) return { state: 'fit', message: `${raced}: one winner each`, facts: factsOf(verdict) }
  const message = `not kept in ${raced}: ${reasons.join('; ')}`
  const todo =
    'use another store, or --single-writer if nobody else ever writes (docs/cli.md says what is then not safe)'
  return { state: 'unfit', message, todo, facts: { code: 'store-lies', ...factsOf(verdict) } }
}

/** A small race, as it only informs: one upload takes some five requests. */
async function judgeUploads(place: StorePlace, race: RaceOptions): Promise<Seen> {
  const env = { ...place.env, WARDBOOK_S3_MULTIPART_BYTES: '1' }
  const verdict = await raceStore({ ...place, env }, { ...race, ...RECORD_RACE, asFiles: true })
  const facts = factsOf(verdict)
  if (verdict.passed) return { state: 'fit', message: 'create-if-absent of large files is kept', facts }
  const message =
    'create-if-absent of large files is not kept by this service; harmless, since only files that are the same ' +
    'whoever made them are sent in parts'
  return { state: 'told', message, facts }
}

function factsOf({ address, racers, endpoints, rounds, reasons }: RaceVerdict): Record<string, unknown> {
  return { address, racers, rounds: rounds.length, endpoints, reasons }
}

function inSeconds(ms: number): string {
  return `${Math.round(Math.abs(ms) / 1_000)} s`
}
