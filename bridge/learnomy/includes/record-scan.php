<?php
/**
 * Looks who listens, and finds out by reflection whose each callback is.
 *
 * @package Learnomy
 */

declare(strict_types=1);

namespace Learnomy;

defined( 'ABSPATH' ) || exit;

/**
 * One look at all hooks.
 */
final class Record_Scan {

	const MOST_HOOKS = 300;
	const CORE       = 'core';
	const OURS       = 'ours';

	/**
	 * Hooks that plugins declared, with their owners.
	 *
	 * @var array<string, string[]>
	 */
	private static $declared = array();

	/**
	 * Folders by what lies in them.
	 *
	 * @var array<string, string[]>|null
	 */
	private static $places;

	/**
	 * Declares that a plugin listens to a hook now and then.
	 *
	 * @param string $hook Hook.
	 * @param string $file A file of the plugin.
	 */
	public static function declare_listener( string $hook, string $file ): void {
		self::$declared[ $hook ][] = self::owner_of_file( $file );
	}

	/**
	 * Owners by hook: of hooks of ours, and of gates.
	 *
	 * @return array{listeners: array<string, string[]>, gates: array<string, string[]>}
	 */
	public static function run(): array {
		$found = array(
			'listeners' => array(),
			'gates'     => array(),
		);
		$gates = array_flip( Record_Lists::GATES );
		$asked = array_flip( Record_Lists::ASKED );
		foreach ( $GLOBALS['wp_filter'] as $hook => $registered ) {
			$hook    = (string) $hook;
			$is_gate = isset( $gates[ $hook ] );
			if ( ! $is_gate && ! isset( $asked[ $hook ] ) && ! self::is_fired( $hook ) ) {
				continue;
			}
			foreach ( $registered->callbacks as $callbacks ) {
				foreach ( $callbacks as $callback ) {
					self::note( $found, $hook, $is_gate, self::owner( $callback['function'] ) );
				}
			}
		}
		foreach ( self::$declared as $hook => $owners ) {
			foreach ( $owners as $owner ) {
				self::note( $found, $hook, isset( $gates[ $hook ] ), $owner );
			}
		}
		$found['listeners'] = array_slice( $found['listeners'], 0, self::MOST_HOOKS, true );
		return $found;
	}

	/**
	 * Whether a hook is one that we fire or apply.
	 *
	 * @param string $hook Hook.
	 * @return bool
	 */
	public static function is_fired( string $hook ): bool {
		return ( 0 === strncmp( $hook, 'learnomy_', 9 ) && strlen( $hook ) <= 96 ) || in_array( $hook, Record_Lists::FIRED, true );
	}

	/**
	 * Notes one owner.
	 *
	 * @param array  $found   What was found so far.
	 * @param string $hook    Hook.
	 * @param bool   $is_gate Whether it is a gate.
	 * @param string $owner   Owner.
	 */
	private static function note( array &$found, string $hook, bool $is_gate, string $owner ): void {
		if ( self::OURS === $owner || ( $is_gate && ( self::CORE === $owner || in_array( $owner, Record_Lists::HARMLESS, true ) ) ) ) {
			return;
		}
		$kind = $is_gate ? 'gates' : 'listeners';
		// Nobody in core listens to our hooks: somebody hung a function of core's there.
		$owner = self::CORE === $owner ? 'unknown' : $owner;
		if ( ! isset( $found[ $kind ][ $hook ] ) || ! in_array( $owner, $found[ $kind ][ $hook ], true ) ) {
			$found[ $kind ][ $hook ][] = $owner;
		}
	}

	/**
	 * Whose a callback is: core, ours, a plugin's basename, mu:<file>, theme:<folder> or unknown.
	 *
	 * @param mixed $callback Callback.
	 * @return string
	 */
	public static function owner( $callback ): string {
		if ( $callback instanceof Guarded_Listener ) {
			$callback = $callback->original;
		}
		if ( is_string( $callback ) && 0 === strncmp( $callback, '__return_', 9 ) ) {
			return 'unknown'; // Core's file, but not core's doing.
		}
		try {
			$file = self::file_of( $callback );
		} catch ( \ReflectionException $error ) {
			$file = '';
		}
		return self::owner_of_file( $file );
	}

	/**
	 * The file that a callback is in. What is inherited from core counts as the heir's.
	 *
	 * @param mixed $callback Callback.
	 * @return string
	 * @throws \ReflectionException Where it does not exist.
	 */
	private static function file_of( $callback ): string {
		if ( is_string( $callback ) && false !== strpos( $callback, '::' ) ) {
			$callback = explode( '::', $callback, 2 );
		}
		if ( $callback instanceof \Closure || is_string( $callback ) ) {
			return (string) ( new \ReflectionFunction( $callback ) )->getFileName();
		}
		if ( is_object( $callback ) ) {
			return (string) ( new \ReflectionClass( $callback ) )->getFileName();
		}
		$class = new \ReflectionClass( $callback[0] );
		if ( $class->hasMethod( (string) $callback[1] ) ) {
			$file = (string) $class->getMethod( (string) $callback[1] )->getFileName();
			if ( self::CORE !== self::owner_of_file( $file ) ) {
				return $file;
			}
		}
		return (string) $class->getFileName();
	}

	/**
	 * Whose a file is.
	 *
	 * @param string $file File.
	 * @return string
	 */
	public static function owner_of_file( string $file ): string {
		$file = wp_normalize_path( (string) preg_replace( '/\(\d+\) : .*$/', '', $file ) );
		foreach ( self::places() as $kind => $folders ) {
			foreach ( $folders as $folder ) {
				if ( 0 === strncmp( $file, $folder, strlen( $folder ) ) ) {
					return self::named( $kind, substr( $file, strlen( $folder ) ), $file );
				}
			}
		}
		// A plugin that is a link to somewhere else.
		$basename = plugin_basename( $file );
		return $basename !== ltrim( $file, '/' ) && '' !== $file ? self::main_file( $basename ) : 'unknown';
	}

	/**
	 * The name of an owner.
	 *
	 * @param string $kind Kind of place.
	 * @param string $rest Path below it.
	 * @param string $file File.
	 * @return string
	 */
	private static function named( string $kind, string $rest, string $file ): string {
		$first = (string) strtok( $rest, '/' );
		switch ( $kind ) {
			case 'mu':
				return 'learnomy-early.php' === $first ? self::OURS : 'mu:' . $first;
			case 'theme':
				return 'theme:' . $first;
			case 'plugin':
				return self::main_file( plugin_basename( $file ) );
		}
		return $kind;
	}

	/**
	 * The basename of the plugin that a file belongs to.
	 *
	 * @param string $basename Path of the file below the plugins folder.
	 * @return string
	 */
	private static function main_file( string $basename ): string {
		$folder = (string) strtok( $basename, '/' );
		foreach ( Record_Files::active_plugins() as $plugin ) {
			if ( (string) strtok( $plugin, '/' ) === $folder ) {
				return $plugin;
			}
		}
		return $basename;
	}

	/**
	 * Folders by what lies in them, the narrower first.
	 *
	 * @return array<string, string[]>
	 */
	private static function places(): array {
		if ( null === self::$places ) {
			$places = array(
				self::OURS => array( LEARNOMY_DIR ),
				'mu'       => array( WPMU_PLUGIN_DIR ),
				'plugin'   => array( WP_PLUGIN_DIR ),
				'theme'    => array( get_theme_root() ),
				self::CORE => array( ABSPATH . WPINC, ABSPATH . 'wp-admin' ),
			);
			foreach ( $places as $kind => $folders ) {
				foreach ( $folders as $folder ) {
					$real = realpath( $folder );
					foreach ( array_unique( array( $folder, false === $real ? $folder : $real ) ) as $spelled ) {
						self::$places[ $kind ][] = trailingslashit( wp_normalize_path( $spelled ) );
					}
				}
			}
		}
		return self::$places;
	}
}
