import { openOriginals } from '../src/main/open-store.js'
import { connectStages, type Failure, type PipelineParts, runPipeline } from '../src/main/pipeline.js'
import { createEmbeddedQueue } from '../src/queue/embedded/embedded-queue.js'
import { openFilesSource } from '../src/sources/files/files-source.js'

/** Reads every source of a city over the network and works off what follows, in this process. */
export function runInProcess(
  given: Pick<PipelineParts, 'store' | 'city' | 'runner' | 'clock'>,
): Promise<Failure[]> {
  const parts: PipelineParts = {
    ...given,
    queue: createEmbeddedQueue(),
    report: () => {},
    openSource: (name, config) => openFilesSource(name, config, { mirror: undefined, fetch }),
    openOriginals: (from) => openOriginals(from, given.store.address),
  }
  connectStages(parts)
  return runPipeline(parts)
}
