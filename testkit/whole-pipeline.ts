import { BOUNDED } from '../src/ingest/profiles.js'
import { openOriginals } from '../src/main/open-store.js'
import { connectStages, type Failure, type PipelineParts, runPipeline } from '../src/main/pipeline.js'
import { createEmbeddedQueue } from '../src/queue/embedded/embedded-queue.js'
import { openSource } from '../src/sources/open-source.js'
import { sourceEffects } from './test-city.js'

/** Reads every source of a city over the network and works off what follows, in this process. */
export function runInProcess(
  given: Pick<PipelineParts, 'store' | 'city' | 'runner' | 'clock'>,
): Promise<Failure[]> {
  const parts: PipelineParts = {
    ...given,
    ingestProfile: BOUNDED,
    queue: createEmbeddedQueue(),
    report: () => {},
    openSource: (name, config) => openSource(name, config, sourceEffects({})),
    openOriginals: (from) => openOriginals(from, given.store.address),
  }
  connectStages(parts)
  return runPipeline(parts)
}
