import type { PartRunner } from '../contracts/part-runner.js'
import { detectSeries } from '../detect/detect-series.js'
import { harmonizeDivisions } from '../harmonize/harmonize-divisions.js'
import { adoptDivisions } from '../ingest/adopt/adopt-divisions.js'
import type { OpenOriginals } from '../ingest/adopt/originals.js'
import { surveyFiles } from '../ingest/adopt/survey-files.js'
import { writeSnapshot } from '../ingest/write-snapshot.js'
import { runInChild, serveJob } from '../kernel/child.js'
import { WardbookError } from '../kernel/errors.js'
import type { Owner } from '../lake/prefixes.js'
import { scopeTo } from '../lake/prefixes.js'
import type { ObjectStore } from '../lake/store.js'
import { measureDivisions } from '../measure/measure-divisions.js'
import { openOriginals, openStore } from './open-store.js'

/** A task, the lake it works on, and its job. */
interface PartOrder {
  readonly task: string
  readonly lake: string
  readonly job: unknown
}

/** @param open how originals outside the lake are read */
type PartTask = (store: ObjectStore, job: never, open: OpenOriginals) => Promise<unknown>

/** Every piece of work that runs in a process of its own, with the owner whose prefixes it may use. */
const TASKS: Record<string, { readonly owner: Owner; readonly work: PartTask }> = {
  'ingest.write': { owner: 'ingest', work: writeSnapshot },
  'ingest.survey': { owner: 'ingest', work: surveyFiles },
  'ingest.adopt': { owner: 'ingest', work: adoptDivisions },
  'harmonize.type': { owner: 'harmonize', work: harmonizeDivisions },
  'measure.count': { owner: 'measure', work: measureDivisions },
  'detect.test': { owner: 'detect', work: detectSeries },
}

/** Names of all part tasks. */
export const PART_TASKS = Object.keys(TASKS)

/** Runs part tasks in child processes on one machine. @param lake address of the lake, as `openStore` takes it */
export function childPartRunner(lake: string): PartRunner {
  return { run: (task, job) => runInChild('main/part-worker', { task, lake, job }) }
}

async function workOff({ task, lake, job }: PartOrder): Promise<unknown> {
  const known = TASKS[task]
  if (known === undefined)
    throw new WardbookError('no-such-task', 'report-bug', `there is no part task '${task}'`, { task })
  const open: OpenOriginals = (from) => openOriginals(from, lake)
  return known.work(scopeTo(known.owner, await openStore(lake)), job as never, open)
}

if (process.send !== undefined && process.argv[1]?.endsWith('part-worker.js')) serveJob(workOff)
