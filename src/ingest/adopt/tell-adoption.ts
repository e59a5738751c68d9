import { type IngestContext, type RawWork, step } from '../source-work.js'
import type { AdoptedDivision } from './adopt-job.js'
import type { CommittedAdoption } from './commit-adoption.js'
import type { AdoptionPlan } from './plan-adoption.js'

type Teller = Pick<IngestContext, 'report'>

/** Tells what an adoption is going to do, and which columns were not text: one line each. */
export function tellPlan(context: Teller, work: RawWork, plan: AdoptionPlan): void {
  const { mode, written, kept, gone, copiedBecause, typed } = plan
  const count = (pick: (division: AdoptionPlan['written'][number]) => number) =>
    written.reduce((sum, division) => sum + pick(division), 0)
  const [files, rows] = [count((division) => division.files.length), count((division) => division.rows)]
  const verb = mode === 'register' ? 'to register' : 'to copy'
  const others = `${kept.length} divisions stay as they are${gone.length > 0 ? `, ${gone.length} are gone` : ''}`
  step(context, work, `${verb} ${files} files with ${rows} rows of ${written.length} divisions; ${others}`, {
    ...{ mode, files, rows, divisions: written.length, kept: kept.length, gone: gone.length },
  })
  if (copiedBecause.length > 0) {
    const message = `files are copied, not registered: ${copiedBecause.join('; ')}`
    step(context, work, message, { copiedBecause })
  }
  if (typed.length > 0) {
    const columns = typed.map(({ column, type }) => `${column} (${type})`).join(', ')
    step(context, work, `not text as published, so the exact text is not known: ${columns}`, { typed })
  }
}

/** Tells what was committed. */
export function tellAdopted(
  context: Teller,
  work: RawWork,
  plan: AdoptionPlan,
  adopted: readonly AdoptedDivision[],
  { snapshot, rows, version }: CommittedAdoption,
): void {
  const sum = (pick: (division: AdoptedDivision) => number) =>
    adopted.reduce((total, division) => total + pick(division), 0)
  const [registered, copied] = [sum((one) => one.registered), sum((one) => one.copied)]
  const parts = sum((one) => one.parts.length)
  const divisions = adopted.length + plan.kept.length
  step(
    context,
    work,
    `committed snapshot ${snapshot}: ${rows} rows in ${divisions} divisions; ` +
      `${registered} files registered, ${copied} copied, ${parts} parts new`,
    { rows, divisions, registered, copied, parts, version },
  )
}
