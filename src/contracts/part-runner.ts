/**
 * Runs the work on one part, or on a few small ones, where its memory ends with it: a child process on one machine,
 * a function in the cloud. Job and result are plain JSON; big things lie in the lake.
 */
export interface PartRunner {
  /**
   * @param task which work, `<stage>.<verb>`; `main/part-worker.ts` lists them
   * @throws the WardbookError of the work, or 'worker-died' (retry)
   */
  run<Job extends object, Result>(task: string, job: Job): Promise<Result>
  /** Jobs that it runs at a time; others wait. Absent: one after the other is meant. */
  readonly lanes?: number
  /** So many jobs of this task are to come soon: what takes time before they may begin now. Nothing has to come of it. */
  expect?(task: string, jobs: number): void
}

/**
 * Most MiB of resident memory that the process of one job may take, by task: what a container or function of this size must hold for any
 * part that ingestion commits. `npm run ceiling` enforces them on the largest parts and the hardest shapes.
 */
export const CEILINGS_MIB: Readonly<Record<string, number>> = {
  'ingest.divide': 320,
  'ingest.write': 320,
  'ingest.merge': 320,
  'ingest.quarantine': 320,
  'ingest.compare': 320,
  'harmonize.type': 320,
  'measure.count': 320,
  'detect.test': 320,
}
