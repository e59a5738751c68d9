import { systemClock } from '../kernel/time.js'
import { absoluteAddress } from '../main/lake-address.js'
import type { MigrationStep } from '../main/migrate-lake.js'
import { migrateLake } from '../main/migrate-lake.js'
import { openLake } from '../main/open-lake.js'
import { demandHonestStore } from '../main/store-verdict.js'
import type { Output } from './output.js'
import type { RunOptions } from './program.js'

/** `wardbook lake migrate`: brings a lake of an earlier release to the format of this one. @returns the exit code */
export async function runMigrate(options: RunOptions, output: Output): Promise<number> {
  const dryRun = options.dryRun === true
  const lake = absoluteAddress(options.lake ?? '')
  const store = await openLake(lake)
  if (!dryRun) {
    await demandHonestStore({ lake, env: process.env, clock: systemClock }, options.singleWriter ?? false)
  }
  const { from, to, steps } = await migrateLake(store, { dryRun })
  for (const step of steps) output.result(`${dryRun ? 'would ' : ''}${inWords(step)}`, { step, dryRun })
  output.result(summary(from, to, steps.length, dryRun), { from, to, steps: steps.length, dryRun })
  return 0
}

function inWords(step: MigrationStep): string {
  if (step.kind === 'raise-format') return `say in lake.json: format ${step.to} instead of ${step.from}`
  const again = step.restated === 0 ? '' : `; tell ${step.restated} files again`
  return `set on ${step.table.root}: ${step.properties.join(', ')}${again}`
}

function summary(from: number, to: number, steps: number, dryRun: boolean): string {
  if (steps === 0) return `nothing to do: the lake has format ${to}, the newest that this release knows`
  if (dryRun) return `${steps} steps from format ${from} to ${to}; nothing was changed`
  return `the lake has format ${to} now; rows, files and findings are as they were`
}
