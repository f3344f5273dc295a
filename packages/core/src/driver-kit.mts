export * from './driver-kit.js'
