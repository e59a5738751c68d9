import { join } from 'node:path'
import type { CityFile } from '../src/contracts/city-file.js'
import { loadCity } from '../src/main/load-city.js'
import { findShared } from './shared-folder.js'

/** Folder of Boston's recorded 311 files, for `--mirror`; undefined where it is absent. */
export const BOSTON_MIRROR = findShared('data', 'boston', '311')

/** The city file of Boston that the project ships. */
export function loadBoston(): Promise<CityFile> {
  return loadCity(join(import.meta.dirname, '..', 'cities', 'boston.yaml'))
}
