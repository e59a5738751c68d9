import { readdirSync, readFileSync } from 'node:fs'
import { cp, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { CityFile } from '../src/contracts/city-file.js'
import { openLocalStore } from '../src/lake/local/local-store.js'
import type { ObjectStore } from '../src/lake/store.js'
import { loadCity } from '../src/main/load-city.js'
import type { TestLake } from './lake-fixture.js'
import type { LakeRecord } from './lake-record.js'

const LAKES = join(import.meta.dirname, 'lakes')

/** Formats of which a lake is kept, ascending. */
export function keptFormats(): number[] {
  const names = readdirSync(LAKES).flatMap((name) => /^format-(\d+)$/.exec(name)?.[1] ?? [])
  return names.map(Number).sort((a, b) => a - b)
}

/** A copy of a lake that an earlier release left, and what belongs to it. */
export interface KeptLake extends TestLake {
  readonly city: CityFile
  readonly cityFile: string
  /** Folder that stands for the network. */
  readonly mirror: string
  /** What that release read in it. */
  readonly record: LakeRecord
}

/** Copies the kept lake of a format, so that a test may change it; `remove` it when done. */
export async function copyKeptLake(format: number): Promise<KeptLake> {
  const place = join(LAKES, `format-${format}`)
  const cityFile = join(place, 'city.yaml')
  const folder = await mkdtemp(join(tmpdir(), 'wardbook-kept-'))
  await cp(join(place, 'lake'), folder, { recursive: true })
  const store: ObjectStore = await openLocalStore(folder)
  return {
    store,
    folder,
    city: await loadCity(cityFile),
    cityFile,
    mirror: join(place, 'source'),
    record: JSON.parse(readFileSync(join(place, 'record.json'), 'utf8')) as LakeRecord,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}
