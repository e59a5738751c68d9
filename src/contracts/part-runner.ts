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
}
