<?php
/**
 * Registers every endpoint in WordPress, from the table that the backend generates.
 *
 * The table (route-table.php) says each thing once: `routes` are rows by namespace, path and method, and a row's
 * `args` name entries of `arguments`. A row put together: `path`, `method`, `name`, `public`, `deadline` (read, write,
 * upload), `args` as WordPress has them, and where they apply `list` (its data is rows), `authenticate` (WordPress
 * judges the password first) and `filters`: `query` and `payload` are applied here, `rules` are those that the backend
 * asks for. A write has the filter `learnomy_pre_{name}` too, which may refuse it.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * The routes.
 */
final class Routes {

	/**
	 * The table, once it is read.
	 *
	 * @var array<string, array[]>|null
	 */
	private static $table;

	/**
	 * Registers.
	 */
	public static function init(): void {
		add_action( 'rest_api_init', array( self::class, 'register' ) );
	}

	/**
	 * Rows by namespace.
	 *
	 * @return array<string, array[]>
	 */
	public static function table(): array {
		if ( null === self::$table ) {
			$stored      = require LEARNOMY_DIR . '/includes/route-table.php';
			self::$table = array();
			foreach ( $stored['routes'] as $namespace => $paths ) {
				foreach ( $paths as $path => $methods ) {
					foreach ( $methods as $method => $row ) {
						$row['args']                 = self::arguments( $row['args'] ?? '', $stored['arguments'] );
						self::$table[ $namespace ][] = $row + array(
							'path'     => $path,
							'method'   => $method,
							'public'   => false,
							'deadline' => 'GET' === $method ? 'read' : 'write',
						);
					}
				}
			}
		}
		return self::$table;
	}

	/**
	 * The arguments that a row names.
	 *
	 * @param string  $keys      Keys of descriptions, apart by spaces: a name, or a name, a colon and a number.
	 * @param array[] $described Descriptions by key.
	 * @return array[] By name.
	 */
	private static function arguments( string $keys, array $described ): array {
		$arguments = array();
		foreach ( array_filter( explode( ' ', $keys ) ) as $key ) {
			$arguments[ (string) strtok( $key, ':' ) ] = $described[ $key ];
		}
		return $arguments;
	}

	/**
	 * Registers all routes, the methods of one path together.
	 */
	public static function register(): void {
		foreach ( self::table() as $namespace => $rows ) {
			$paths = array();
			foreach ( $rows as $row ) {
				$paths[ $row['path'] ][] = self::handler( $row, $namespace );
			}
			foreach ( $paths as $path => $handlers ) {
				register_rest_route( $namespace, $path, $handlers );
			}
		}
	}

	/**
	 * One handler as WordPress has it.
	 *
	 * @param array  $row       Row of the table.
	 * @param string $namespace Namespace.
	 * @return array
	 */
	private static function handler( array $row, string $namespace ): array {
		$args = $row['args'];
		foreach ( array_keys( $args ) as $name ) {
			// Described, never judged: the backend answers for what is wrong.
			$args[ $name ]['sanitize_callback'] = null;
		}
		unset( $row['args'] );
		$row['namespace'] = $namespace;
		return array(
			'methods'             => $row['method'],
			'callback'            => array( 'Learnomy\Doors', 'serve' ),
			'permission_callback' => $row['public'] ? '__return_true' : array( 'Learnomy\Routes', 'may_try' ),
			'args'                => $args,
			'show_in_index'       => false,
			'learnomy'            => $row,
		);
	}

	/**
	 * Lets everybody try: who may do what is the backend's to say, with all that it knows of the object.
	 *
	 * @return bool
	 */
	public static function may_try(): bool {
		return true;
	}

	/**
	 * Whether a handler is one of ours.
	 *
	 * @param mixed $handler Handler, or a request's attributes.
	 * @return bool
	 */
	public static function is_ours( $handler ): bool {
		return is_array( $handler ) && isset( $handler['learnomy'], $handler['callback'] ) && array( 'Learnomy\Doors', 'serve' ) === $handler['callback'];
	}

	/**
	 * The methods that a route takes; empty where there is no such route.
	 *
	 * @param string $route Route.
	 * @return string[]
	 */
	public static function methods_of( string $route ): array {
		$methods = array();
		foreach ( self::table() as $namespace => $rows ) {
			foreach ( $rows as $row ) {
				if ( preg_match( '@^/' . $namespace . $row['path'] . '$@i', $route ) ) {
					$methods[] = $row['method'];
				}
			}
		}
		return in_array( 'GET', $methods, true ) ? array_merge( $methods, array( 'HEAD' ) ) : $methods;
	}
}
