import { existsSync } from 'node:fs'
import { rmdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { exitCodeOf } from '../kernel/errors.js'
import { type Clock, systemClock } from '../kernel/time.js'
import type { RaceOptions } from '../lake/doctor.js'
import type { Environment } from './lake-address.js'
import { type Check, checkMachine, judge, type Machine, thisMachine } from './machine-checks.js'
import { parseLakeAddress } from './parse-lake-address.js'
import { checkStore } from './store-checks.js'
import type { StorePlace } from './store-verdict.js'

export type { Check, CheckState } from './machine-checks.js'

/** What the doctor looks at, and with which means; what is not given is this machine's. */
export interface DoctorOrder {
  /** Address of the lake; without one only the machine is looked at. */
  readonly lake: string | undefined
  readonly race: Pick<RaceOptions, 'racers' | 'rounds' | 'endpoints'>
  readonly env?: Environment
  readonly clock?: Clock
  readonly machine?: Machine
  readonly open?: StorePlace['open']
}

/** Stands for the lake when only the machine is looked at: its scratch is where that of any bucket would be. */
const NO_LAKE = 's3://no-lake'

/**
 * Looks whether this machine and a lake's store are fit, check by check. It leaves nothing behind but the verdict of a bucket
 * (`doctor/verdict.json`), also where there was no folder yet.
 * @throws nothing: what a check meets is its result
 */
export async function* examine(order: DoctorOrder): AsyncIterable<Check> {
  const { lake, race, env = process.env, clock = systemClock, machine = thisMachine, open } = order
  const missing = missingFolders(lake, env)
  try {
    const scratch = scratchFolderOf(lake, env)
    if (scratch === undefined) yield await refusalOf(lake, env)
    yield* checkMachine(machine, scratch ?? tmpdir())
    if (lake === undefined || scratch === undefined) return
    yield* checkStore({ lake, env, clock, ...(open ? { open } : {}) }, race)
  } finally {
    for (const folder of missing) await rmdir(folder).catch(() => undefined) // others may use it by now
  }
}

/** The exit code for all checks: 0 when fit, 78 when somebody has to change something, 75 when there was no answer. */
export function exitCodeOfChecks(checks: readonly Check[]): number {
  if (checks.some(({ state }) => state === 'unfit')) return exitCodeOf('fix-config')
  return checks.some(({ state }) => state === 'unreachable') ? exitCodeOf('retry') : 0
}

/** Where a lake's intermediate files are; undefined for an address that is none. */
function scratchFolderOf(lake: string | undefined, env: Environment): string | undefined {
  try {
    const place = parseLakeAddress(lake ?? NO_LAKE, env)
    return place.kind === 's3' ? place.settings.scratchFolder : join(place.folder, '.scratch')
  } catch {
    return undefined
  }
}

/** Why an address is none, as a check. */
function refusalOf(lake = NO_LAKE, env: Environment): Promise<Check> {
  return judge('address', async () => {
    parseLakeAddress(lake, env)
    return { state: 'fit', message: lake }
  })
}

/** The folders that looking makes, deepest first. */
function missingFolders(lake: string | undefined, env: Environment): string[] {
  const scratch = scratchFolderOf(lake, env)
  if (scratch === undefined) return []
  const missing =
    lake === undefined ? [] : [join(dirname(scratch), 'doctor')].filter((folder) => !existsSync(folder))
  for (let folder = scratch; !existsSync(folder); folder = dirname(folder)) missing.push(folder)
  return missing
}
