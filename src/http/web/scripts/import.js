export const mount = () => () => {};
