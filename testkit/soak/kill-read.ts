import { fork } from 'node:child_process'
import { once } from 'node:events'
import { cp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CityFile } from '../../src/contracts/city-file.js'
import type { PagedSourceConfig } from '../../src/contracts/source-config.js'
import { seededRandom } from '../../src/demo/random.js'
import { Spool } from '../../src/ingest/spool.js'
import { DeltaTable } from '../../src/lake/delta/table.js'
import { openLocalStore } from '../../src/lake/local/local-store.js'
import type { ObjectStore } from '../../src/lake/store.js'
import { tables } from '../../src/lake/tables.js'
import type { Offer } from '../../src/sources/source.js'
import { keysOf } from '../lake-fixture.js'
import { differencesOf, type World, worldOf } from '../same-world.js'
import {
  type Death,
  type Moment,
  PHASES,
  type Phase,
  type ReadTimes,
  startRead,
  timesOf,
} from './read-run.js'
import type { Edition } from './requests-table.js'
import { type SoakSettings, say, type Tally, tellDifferences } from './trial.js'

const [DATASET, SOURCE] = ['requests', 'portal']
const RAW = tables.raw(DATASET, SOURCE)
const QUARANTINE = tables.quarantine('ingest', DATASET, SOURCE)
const PAGES = 30
const MOST_PAGE_ROWS = 50_000
/** Of 20 kills: the parts of a read are not of one length, and the shortest ones matter most. */
const KILLS_OF_20: Readonly<Record<Phase, number>> = { reading: 14, writing: 4, 'cleaning up': 2 }

/**
 * A large table is read in 30 pages of CSV (its portal gives no more in one answer), as the second publication that a lake takes of it, and the reading process is killed at random moments of
 * its whole life: while it receives and sorts out pages, while it writes, compares and commits, while it cleans up. It is started again until a read
 * gets to its end; then the lake must be that of a calm read, and the next read begins.
 * No page that lay recorded in the spool when the process was killed may be asked for again.
 */
export async function killRead(folder: string, settings: SoakSettings): Promise<Tally> {
  const end = Date.now() + settings.seconds * 1_000
  const portal = await startPortal(settings.rows)
  try {
    const trial = await KillTrial.begin(folder, portal, settings.rows)
    return await trial.run(settings, end)
  } finally {
    portal.close()
  }
}

class KillTrial {
  private reads = 0
  private readonly tally = { passed: 0, failed: 0 }
  private readonly killed: Record<Phase, number> = { reading: 0, writing: 0, 'cleaning up': 0 }
  private keptPages = 0
  private askedAgain = 0

  private constructor(
    private readonly folder: string,
    private readonly portal: Portal,
    private readonly cityFile: string,
    private readonly source: PagedSourceConfig,
    private readonly calm: { readonly world: World; readonly times: ReadTimes },
  ) {}

  /**
   * Lays down the lake with the first publication, and what calm reads of the second make of it: one to be compared with, and one that finds the
   * portal as the others will, its answers made, and whose times count.
   */
  static async begin(folder: string, portal: Portal, rows: number): Promise<KillTrial> {
    const city = cityOf(portal.url)
    const cityFile = join(folder, 'city.json')
    await writeFile(cityFile, JSON.stringify(city))
    await timesOf(startRead(cityFile, join(folder, 'first')))
    portal.publish('second')
    const [one, other] = [join(folder, 'calm'), join(folder, 'timed')]
    for (const lake of [one, other]) await cp(join(folder, 'first'), lake, { recursive: true })
    await timesOf(startRead(cityFile, one))
    await portal.asked()
    const times = await timesOf(startRead(cityFile, other))
    const pages = pagesOf(await portal.asked())
    const world = await lakeWorld(one)
    if (!tellDifferences(differencesOf(world, await lakeWorld(other))))
      throw new Error('two calm reads make two worlds')
    for (const lake of [one, other]) await rm(lake, { recursive: true })
    say(
      `read: ${rows} rows in ${pages.length} requests for pages; a calm read takes ${times.ended} ms: ` +
        `reading ${times.reading}, writing ${times.writing}, cleaning up ${times['cleaning up']}`,
    )
    return new KillTrial(folder, portal, cityFile, sourceOf(city), { world, times })
  }

  /** Rounds of so many kills, the first in any case, others while there is time. */
  async run({ kills, seed }: SoakSettings, end: number): Promise<Tally> {
    const random = seededRandom(seed)
    for (let round = 1; round === 1 || Date.now() < end; round++) {
      for (let left = kills; left > 0; ) left -= await this.readOnce(random, left)
    }
    const { reading, writing, 'cleaning up': cleaning } = this.killed
    say(
      `read: killed ${reading + writing + cleaning} times (${reading} reading, ${writing} writing, ${cleaning} cleaning up) over ${this.reads} reads; ` +
        `${this.keptPages} pages lay recorded in the spool at a kill, ${this.askedAgain} of them were asked for again`,
    )
    return this.tally
  }

  /** One read of the second publication, from its start to its end. @returns how often it was killed: `most` at most */
  private async readOnce(random: () => number, most: number): Promise<number> {
    this.reads += 1
    const lake = join(this.folder, `read-${this.reads}`)
    await cp(join(this.folder, 'first'), lake, { recursive: true })
    await this.portal.asked()
    const deaths: Death[] = []
    const again: string[] = []
    let kept: ReadonlySet<string> = new Set()
    for (let isEnded = false; !isEnded; ) {
      const death = await this.startAndKill(
        lake,
        deaths.length < most ? momentOf(random, this.calm.times) : undefined,
      )
      if (death === undefined) isEnded = true
      else deaths.push(death)
      again.push(...(await this.portal.asked()).filter((page) => kept.has(page)))
      kept = await recordedPages(lake, this.source)
      this.keptPages += kept.size
    }
    this.askedAgain += again.length
    this.judge(await lakeWorld(lake), deaths, again)
    await rm(lake, { recursive: true, force: true })
    return deaths.length
  }

  /** @returns how the process died; undefined when it got to its end */
  private async startAndKill(lake: string, moment: Moment | undefined): Promise<Death | undefined> {
    const run = startRead(this.cityFile, lake)
    if (moment !== undefined) return run.killAt(moment)
    await timesOf(run)
    return undefined
  }

  private judge(world: World, deaths: readonly Death[], again: readonly string[]): void {
    for (const { phase } of deaths) this.killed[phase] += 1
    const differences = [
      ...differencesOf(this.calm.world, world),
      ...again.map(
        (page) => `a page that lay recorded was asked for again: ${page.replace(/%24select=[^&]*/, '…')}`,
      ),
    ]
    const told = deaths.map(({ phase, afterMs }) => `${phase} ${afterMs} ms`).join(', ')
    const verdict = differences.length === 0 ? 'same world, no page twice' : 'ANOTHER WORLD'
    say(`read ${this.reads}: killed ${deaths.length} times (${told}): ${verdict}`)
    this.tally[tellDifferences(differences) ? 'passed' : 'failed'] += 1
  }
}

/** A random moment of a read: in which part of it, and how long after that began. */
function momentOf(random: () => number, times: ReadTimes): Moment {
  let turn = random() * 20
  const phase = PHASES.find((one) => {
    turn -= KILLS_OF_20[one]
    return turn < 0
  }) as Phase
  return { phase, afterMs: random() * times[phase] }
}

/** The lake as it is compared: its tables and their versions, names of data files, and what should not be there. */
async function lakeWorld(lake: string): Promise<World> {
  const scratch = await readdir(join(lake, '.scratch')) // before anybody sweeps it
  const store = await openLocalStore(lake)
  const { files, events } = await worldOf(store)
  return {
    files: [
      ...files,
      ...(await versionsOf(store)),
      ...(await keysOf(store, `${RAW}/`)),
      ...(await keysOf(store, `${QUARANTINE}/`)),
      ...(await keysOf(store, 'spool/')),
      ...scratch.map((name) => `scratch ${name}`),
    ],
    events,
  }
}

async function versionsOf(store: ObjectStore): Promise<string[]> {
  const roots = [RAW, QUARANTINE, tables.runs('ingest'), tables.outbox('ingest')]
  const snapshots = await Promise.all(roots.map((root) => new DeltaTable(store, root).snapshot()))
  return roots.map((root, at) => `${root} is at version ${snapshots[at]?.version}`)
}

/** Requests of the pages that lie whole and recorded in the spool. */
async function recordedPages(lake: string, source: PagedSourceConfig): Promise<Set<string>> {
  const store = await openLocalStore(lake)
  const root = `spool/${DATASET}/${SOURCE}`
  const spool = new Spool(store, root, source)
  const recorded = new Set<string>()
  for (const key of await keysOf(store, `${root}/`)) {
    if (!key.endsWith('/offer.json')) continue
    const { offer } = JSON.parse(Buffer.from((await store.get(key)) as Uint8Array).toString()) as {
      offer: Offer
    }
    const { pages } = await spool.resume(offer) // the same token and settings: nothing is thrown away
    for (const { record } of pages) {
      const { pathname, searchParams } = new URL(record.request.url)
      recorded.add(`${decodeURIComponent(pathname)}?${searchParams}`)
    }
  }
  return recorded
}

interface Portal {
  readonly url: string
  publish(edition: Edition): void
  /** Requests since the last call, as `<path>?<query>`. */
  asked(): Promise<readonly string[]>
  close(): void
}

async function startPortal(rows: number): Promise<Portal> {
  const file = join(import.meta.dirname, 'requests-portal.ts')
  const pageRows = Math.min(MOST_PAGE_ROWS, Math.ceil(rows / PAGES))
  const child = fork(file, [String(rows), String(pageRows)], { execArgv: ['--import', 'tsx'] })
  const [url] = (await once(child, 'message')) as [string]
  return {
    url,
    publish: (edition) => void child.send(edition),
    asked: async () => {
      child.send('asked')
      return ((await once(child, 'message')) as [string[]])[0]
    },
    close: () => child.disconnect(),
  }
}

function pagesOf(asked: readonly string[]): readonly string[] {
  return asked.filter((request) => request.includes('%24limit='))
}

function sourceOf(city: object): PagedSourceConfig {
  return CityFile.parse(city).datasets[DATASET as string]?.sources[SOURCE as string] as PagedSourceConfig
}

function cityOf(portal: string) {
  const source = { family: 'socrata', portal, datasets: ['soak-1234'], api: 'soda2' }
  return {
    city: { slug: 'testville', name: 'Testville', timeZone: 'America/New_York', simulated: true },
    datasets: {
      [DATASET as string]: {
        name: 'Requests',
        kind: 'service-requests',
        key: 'case_id',
        partition: { column: 'council_district' },
        sources: { [SOURCE as string]: source },
        mapping: {
          service_name: 'type',
          requested_at: { from: 'opened_at', formats: ['%Y-%m-%d %H:%M:%S'] },
        },
      },
    },
  }
}
