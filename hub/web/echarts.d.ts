/** The charts in one file: as 600 modules they cost every start of a hub half a second. */
declare module 'echarts/dist/echarts.esm.min.mjs' {
  export * from 'echarts';
}
