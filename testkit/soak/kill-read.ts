import { cp, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PagedSourceConfig } from '../../src/contracts/source-config.js'
import { seededRandom } from '../../src/demo/random.js'
import { differencesOf, type World } from '../same-world.js'
import { readCity, sourceOf } from './read-city.js'
import { lakeWorld, recordedPages } from './read-lake.js'
import {
  type Death,
  type Moment,
  PHASES,
  type Phase,
  type ReadTimes,
  startRead,
  timesOf,
} from './read-run.js'
import { type Portal, startPortal } from './start-portal.js'
import { type SoakSettings, say, type Tally, tellDifferences } from './trial.js'

/** Of 20 kills: whoever is killed late has read all pages again before, so late kills cost most. */
const KILLS_OF_20: Readonly<Record<Phase, number>> = { reading: 14, writing: 4, 'cleaning up': 2 }

/**
 * A large table is read in pages of CSV (its portal gives no more in one answer), as the second publication that a lake takes of it, and the
 * reading process is killed at random moments of its whole life: while it receives and sorts out pages, while it writes, compares and commits,
 * while it cleans up. It is started again until a read gets to its end; then the lake must be that of a calm read, and the next read begins.
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
    const city = readCity(portal.url)
    const cityFile = join(folder, 'city.json')
    await writeFile(cityFile, JSON.stringify(city))
    await timesOf(startRead(cityFile, join(folder, 'first')))
    portal.publish('second')
    const [one, other] = [join(folder, 'calm'), join(folder, 'timed')]
    for (const lake of [one, other]) await cp(join(folder, 'first'), lake, { recursive: true })
    await timesOf(startRead(cityFile, one))
    await portal.asked()
    const times = await timesOf(startRead(cityFile, other))
    const pages = (await portal.asked()).filter((request) => request.includes('%24limit='))
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
    const others = differencesOf(this.calm.world, world)
    const differences = [
      ...others,
      ...again.map(
        (page) => `a page that lay recorded was asked for again: ${page.replace(/%24select=[^&]*/, '…')}`,
      ),
    ]
    const told = deaths.map(({ phase, afterMs }) => `${phase} ${afterMs} ms`).join(', ')
    const verdict = others.length === 0 ? 'same world' : 'ANOTHER WORLD'
    const pages = again.length === 0 ? 'no page twice' : `${again.length} PAGES TWICE`
    say(`read ${this.reads}: killed ${deaths.length} times (${told}): ${verdict}, ${pages}`)
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
