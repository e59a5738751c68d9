import { mkdir, readFile, rename, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { stringify } from 'yaml'
import { z } from 'zod'
import { WardbookError } from '../kernel/errors.js'
import { MET_ON } from './city/calendar.js'
import { type CitySize, SIZES } from './city/catalog.js'
import type { CityChoice, PublishedCity } from './published-city.js'

/** Seed of the city that the documentation shows. */
export const DEMO_SEED = 311

const State = z.strictObject({
  seed: z.int(),
  size: z.enum(Object.keys(SIZES) as [CitySize, ...CitySize[]]),
  asOf: z.iso.date(),
})

/** The city folder of a lake: `<lake>-city` beside a folder; of a bucket, `lake/<last name of its address>-city` here. */
export function folderBeside(lake: string): string {
  const address = lake.replace(/\/+$/, '')
  return `${address.includes('://') ? join('lake', basename(address)) : address}-city`
}

/** Names in a city folder. */
const STATE_FILE = 'state.json'
const CITY_FILE = 'city.yaml'
const TRUTH_FILE = 'truth.json'

/**
 * The folder of a simulated city beside its lake: how far its clock has come, its city file with the maps that this names, and what is true of
 * it. The lake holds none of it: the pipeline must not know.
 */
export class CityFolder {
  constructor(readonly folder: string) {}

  get cityFile(): string {
    return join(this.folder, CITY_FILE)
  }

  get truthFile(): string {
    return join(this.folder, TRUTH_FILE)
  }

  /**
   * The city of this folder, to be continued; where there is none, the one asked for, on the day that it is first met.
   * @throws WardbookError 'city-folder-differs' (fix-config) where another one is there; 'city-folder-unreadable' (fix-config)
   */
  async choose(wanted: {
    readonly seed?: number | undefined
    readonly size?: CitySize | undefined
  }): Promise<CityChoice> {
    const stored = await this.stored()
    if (stored === undefined)
      return { seed: wanted.seed ?? DEMO_SEED, size: wanted.size ?? 'S', asOf: MET_ON }
    const { seed = stored.seed, size = stored.size } = wanted
    if (seed === stored.seed && size === stored.size) return stored
    throw new WardbookError(
      'city-folder-differs',
      'fix-config',
      `${this.folder} belongs to the city of seed ${stored.seed} and size ${stored.size}, not to seed ${seed} and size ${size}; ` +
        'name another --lake, or leave --seed and --size out to go on with this one',
      { folder: this.folder, stored, wanted: { seed, size } },
    )
  }

  private async stored(): Promise<CityChoice | undefined> {
    const file = join(this.folder, STATE_FILE)
    const text = await readFile(file, 'utf8').catch((cause) => {
      if (cause.code === 'ENOENT') return undefined
      throw cause
    })
    if (text === undefined) return undefined
    try {
      return State.parse(JSON.parse(text))
    } catch (cause) {
      const message = `${file} does not say which city this is; remove ${this.folder} and its lake to begin anew`
      throw new WardbookError('city-folder-unreadable', 'fix-config', message, { file }, { cause })
    }
  }

  /** Writes the city as it is published now; the state comes last, so that a folder with a state is whole. */
  async write({ cityFile, maps, truth }: PublishedCity): Promise<void> {
    for (const [path, text] of Object.entries(maps)) await replaceFile(join(this.folder, path), text)
    await replaceFile(this.cityFile, `${HEADING}${stringify(cityFile)}`)
    await replaceFile(this.truthFile, `${JSON.stringify(truth, null, 1)}\n`)
    const { seed, size, asOf } = truth
    await replaceFile(join(this.folder, STATE_FILE), `${JSON.stringify({ seed, size, asOf })}\n`)
  }
}

const HEADING = `# The pocket city: simulated, published by portals on this machine while the demo runs.
# A real city's file looks the same: see docs/city-file.md and the files in cities/.
`

/** A reader sees the old file or the new one, never half of one. */
async function replaceFile(file: string, text: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true })
  await writeFile(`${file}.new`, text)
  await rename(`${file}.new`, file)
}
